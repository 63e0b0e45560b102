/**
 * Times in objects were written by other machines: a leader before this one, an API server, a kubelet. By how much their clocks may differ
 * without one of them being wrong.
 */
const TOLERANCE_MS = 60_000

/** Whether a time, in milliseconds since the epoch, is so late that the clock that wrote it was wrong, or this one is. */
export const isFromFuture = (at: number, now: number): boolean => at - now > TOLERANCE_MS

/** Milliseconds since a time that another machine wrote; 0 where it has not come yet, NaN where it is none. */
export const ageMs = (at: number, now: number): number => Math.max(0, now - at)

/** A time as Kubernetes writes it, to the second. */
export const stampOf = (now: number): string => `${new Date(now).toISOString().slice(0, -'.000Z'.length)}Z`

/**
 * The stamp to go on with: the one that an object has, or the present in place of one from the future or one that is no time. What is
 * counted from it would else not end before that future. A stamp that is too early cannot be told from an old one.
 */
export function keptStamp(before: string, now: number): string {
  const at = Date.parse(before)
  return Number.isNaN(at) || isFromFuture(at, now) ? stampOf(now) : before
}
