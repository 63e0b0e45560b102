import { parseStamp, type Stamp } from './stamp.ts'

/** What the active archipelago says again and again. */
export interface Beat {
  term: Stamp
  /** Milliseconds it may be silent before others take over; 0 = it hands over now. */
  leaseMs: number
}

const MAX_LEASE_MS = 3_600_000
const MAX_BYTES = 64

/** Payload of `engine.beat`. */
export const encodeBeat = ({ term, leaseMs }: Beat): Uint8Array => Buffer.from(`${term} ${Math.ceil(leaseMs)}`)

/** Nothing when the bytes are no beat. */
export function decodeBeat(bytes: Uint8Array): Beat | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [stamp, lease] = Buffer.from(bytes).toString().split(' ')
  const term = parseStamp(stamp)
  const leaseMs = Number(lease)
  return term && leaseMs >= 0 && leaseMs <= MAX_LEASE_MS ? { term, leaseMs } : undefined
}
