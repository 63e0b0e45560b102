/** Milliseconds that draining so many players takes: at the given rate, and never longer than allowed. */
export const drainTimeMs = (players: number, atMostSeconds: number, perMinute: number | undefined): number =>
  perMinute === undefined ? atMostSeconds * 1_000 : Math.min(atMostSeconds * 1_000, Math.ceil((players / perMinute) * 60_000))
