import type { Rate } from '../chassis/token-bucket.ts'

/** What strangers and members may ask of us. */
export interface RoomLimits {
  /** Sockets, those of strangers included. */
  maxConnections: number
  /** Sockets of clients who have not joined yet. */
  maxStrangers: number
  maxMembersPerRoom: number
  /** Peers whose admissions are remembered. */
  maxAdmittedPeers: number
  maxMessageBytes: number
  /** Of one client; more than that is dropped if it may be, and ends the session if not. */
  messages: Rate
  bytes: Rate
  /** From the upgrade to the signature. */
  handshakeMs: number
  /** What an admission may take longer than the client it lets in. */
  admissionGraceMs: number
  /** What a client may take to leave an island it no longer belongs to. */
  departureGraceMs: number
  /** Silence after which a client is pinged; a talking one never is (comms.md §13.6). */
  pingAfterMs: number
  /** Silence after which a line counts as dead. */
  idleMs: number
  /** Unsent bytes of a receiver above which it misses what may be missed. */
  unreliableBufferBytes: number
  /** Unsent bytes of a receiver above which it is cut off. */
  reliableBufferBytes: number
}

/** What holds unless told. */
export const defaultLimits: RoomLimits = {
  maxConnections: 10_000,
  maxStrangers: 1_000,
  maxMembersPerRoom: 1_000,
  maxAdmittedPeers: 100_000,
  maxMessageBytes: 64 * 1024,
  messages: { perSecond: 100, burst: 300 },
  bytes: { perSecond: 256 * 1024, burst: 1024 * 1024 },
  handshakeMs: 30_000,
  admissionGraceMs: 2_000,
  departureGraceMs: 5_000,
  pingAfterMs: 60_000,
  idleMs: 90_000,
  unreliableBufferBytes: 64 * 1024,
  reliableBufferBytes: 512 * 1024,
}
