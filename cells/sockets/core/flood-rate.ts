import type { Rate } from '../../chassis/token-bucket.ts'

const TIMES = 10
const SECONDS = 5

/**
 * The bound at which a client is disconnected instead of only being slowed down: ten times its rate for five seconds. What it sends above its
 * rate has no effect, but reading it takes the processor from all others.
 */
export const floodRate = ({ perSecond, burst }: Rate): Rate => ({
  perSecond: TIMES * perSecond,
  burst: Math.max(TIMES * SECONDS * perSecond, burst),
})
