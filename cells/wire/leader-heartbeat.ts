import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/** What the active archipelago says again and again. */
export interface LeaderHeartbeat {
  term: FencingToken
  /** Milliseconds it may be silent before others take over; 0 = it hands over now. */
  leaseMs: number
}

const MAX_LEASE_MS = 3_600_000
const MAX_BYTES = 64

/** Payload of `engine.beat`. */
export const encodeLeaderHeartbeat = ({ term, leaseMs }: LeaderHeartbeat): Uint8Array =>
  Buffer.from(`${term} ${Math.ceil(leaseMs)}`)

/** Nothing when the bytes are no beat. */
export function decodeLeaderHeartbeat(bytes: Uint8Array): LeaderHeartbeat | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [stamp, lease] = Buffer.from(bytes).toString().split(' ')
  const term = parseFencingToken(stamp)
  const leaseMs = Number(lease)
  return term && leaseMs >= 0 && leaseMs <= MAX_LEASE_MS ? { term, leaseMs } : undefined
}
