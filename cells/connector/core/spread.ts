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
