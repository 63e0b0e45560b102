/** A crowd on its way out, as of a moment. */
export interface Exodus {
  gone: number
  waiting: number
  elapsedMs: number
  durationMs: number
  /** How long until we are asked again. */
  stepMs: number
}

/** How many have to go now, so that all are gone by the end and as many go in each second as in any other. */
export function goingNow({ gone, waiting, elapsedMs, durationMs, stepMs }: Exodus): number {
  const untilMs = elapsedMs + stepMs
  if (untilMs >= durationMs) return waiting
  return Math.max(0, Math.floor(((gone + waiting) * untilMs) / durationMs) - gone)
}

/** How long sending so many away takes, in milliseconds: at the pace that was asked for, and never longer than allowed. */
export const drainTimeMs = (players: number, atMostSeconds: number, perMinute: number | undefined): number =>
  perMinute === undefined ? atMostSeconds * 1_000 : Math.min(atMostSeconds * 1_000, Math.ceil((players / perMinute) * 60_000))
