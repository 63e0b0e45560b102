import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/** Published periodically by the active archipelago, the leader of its cell. */
export interface LeaderHeartbeat {
  term: FencingToken
  /** Milliseconds without a further heartbeat after which a standby takes over; 0 = the leader hands over now. */
  leaseMs: number
  /** Whether its archipelago, on standby, follows what is announced in island groups: all versions but the first do. */
  followsGroups: boolean
}

const MAX_LEASE_MS = 3_600_000
const MAX_BYTES = 64
const FOLLOWS_GROUPS = 'g'

/** Payload of `engine.leader_heartbeat`. */
export const encodeLeaderHeartbeat = ({ term, leaseMs }: Omit<LeaderHeartbeat, 'followsGroups'>): Uint8Array =>
  Buffer.from(`${term} ${Math.ceil(leaseMs)} ${FOLLOWS_GROUPS}`)

/** Undefined when the bytes are no leader heartbeat. */
export function decodeLeaderHeartbeat(bytes: Uint8Array): LeaderHeartbeat | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [token, lease, groups] = Buffer.from(bytes).toString().split(' ')
  const term = parseFencingToken(token)
  const leaseMs = Number(lease)
  return term && leaseMs >= 0 && leaseMs <= MAX_LEASE_MS ? { term, leaseMs, followsGroups: groups === FOLLOWS_GROUPS } : undefined
}
