/** A token bucket: how many messages a socket may still send, as of a moment. */
export interface Allowance {
  tokens: number
  atMs: number
}

/** Messages per second that pass, and how many at once after a silence. */
export interface Rate {
  perSecond: number
  burst: number
}

/** A full bucket. */
export const fullAllowance = (rate: Rate, nowMs: number): Allowance => ({ tokens: rate.burst, atMs: nowMs })

/** Takes one token if there is one; refills the bucket, in place, by the time that went by. */
export function take(allowance: Allowance, rate: Rate, nowMs: number): boolean {
  const refilled = allowance.tokens + (Math.max(0, nowMs - allowance.atMs) * rate.perSecond) / 1000
  allowance.tokens = Math.min(rate.burst, refilled)
  allowance.atMs = nowMs
  if (allowance.tokens < 1) return false
  allowance.tokens -= 1
  return true
}
