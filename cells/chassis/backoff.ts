/** Waits between attempts: the first, and the longest. */
export interface Backoff {
  firstMs: number
  maxMs: number
}

/** Milliseconds to wait after `failures` failures in a row, at least one: doubles each time, up to the longest wait. */
export const backoffMs = ({ firstMs, maxMs }: Backoff, failures: number): number => Math.min(firstMs * 2 ** (failures - 1), maxMs)

const JITTER_SHARE = 0.2

/**
 * Varies a delay by a share of itself either way, so that processes started together do not all act at the same moment for ever.
 *
 * @param random a number from 0 to 1
 */
export const jittered = (delayMs: number, random: number, share = JITTER_SHARE): number =>
  delayMs + delayMs * share * (2 * random - 1)
