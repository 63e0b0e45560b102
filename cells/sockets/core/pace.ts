/** Connections that are ended over a time, as of one moment. */
export interface DrainProgress {
  ended: number
  waiting: number
  elapsedMs: number
  durationMs: number
  /** Milliseconds until the next step. */
  stepMs: number
  /** Whether the first connection is ended at once, or after its share of the duration. */
  firstAtOnce: boolean
}

/** How many connections to end now, so that none is left at the end of the duration and each second ends as many as any other. */
export function dueNow({ ended, waiting, elapsedMs, durationMs, stepMs, firstAtOnce }: DrainProgress): number {
  const untilMs = elapsedMs + stepMs
  if (untilMs >= durationMs) return waiting
  const share = ((ended + waiting) * untilMs) / durationMs
  return Math.max(0, (firstAtOnce ? Math.ceil(share) : Math.floor(share)) - ended)
}
