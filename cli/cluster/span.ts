const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** Reads a span such as `90s`, `10m` or `1h`; undefined for what is none. */
export function spanOf(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+)([smh])/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined
  return parts.reduce((sum, [, number, unit = 's']) => sum + Number(number) * (UNITS[unit] ?? 0), 0)
}
