const STEPS = [1, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]
/** A step is left only below this share of it, so that a single player who comes and goes does not change the status each time. */
const HYSTERESIS = 0.8

/** About how many players there are, as a status says it: `0`, or the highest step reached, `100+`. An unknown number keeps the text before. */
export function approximatePlayers(players: number | undefined, before?: string): string | undefined {
  if (players === undefined) return before
  const reached = STEPS.findLast((step) => players >= step) ?? 0
  const last = before === undefined ? 0 : Number.parseInt(before, 10)
  const keepsLast = last > reached && STEPS.includes(last) && players >= last * HYSTERESIS
  return textOf(keepsLast ? last : reached)
}

const textOf = (step: number): string => (step === 0 ? '0' : `${step}+`)
