import type { Rate } from '../chassis/token-bucket.ts'
import type { BacklogLimits } from './core/backlog.ts'

/** Bounds on what clients may use. */
export interface RoomLimits {
  /** Sockets in all, including those in the handshake. */
  maxConnections: number
  /** Sockets of clients that have not joined a room yet. */
  maxUnauthenticated: number
  /** Sockets of one household; private addresses and proxies have no limit of their own. */
  maxConnectionsPerAddress: number
  /** Upgrades admitted per second at most. */
  upgradesPerSecond: number
  maxMembersPerRoom: number
  /** Peers whose admissions are remembered. */
  maxAdmittedPeers: number
  maxMessageBytes: number
  /**
   * Of one client: above the rate, unreliable updates are dropped, and any other message ends the session; so does a flood of any. The burst
   * of one client is well below what a receiver may have waiting.
   */
  messages: Rate
  bytes: Rate
  /** Unreliable updates of one client that may be dropped because of its rate before its session is ended. */
  droppedUpdates: Rate
  /** From the upgrade to the signature. */
  handshakeMs: number
  /** How long an admission may arrive after the client it is for. */
  admissionGraceMs: number
  /** How long a client may take to leave the room of an island it no longer belongs to. */
  departureGraceMs: number
  /** Silence after which a client is pinged; one that sends is never pinged (comms.md §13.6). */
  pingAfterMs: number
  /** Silence after which a connection counts as broken. */
  idleMs: number
  /** Unsent bytes of a receiver above which unreliable updates to it are dropped. */
  unreliableBufferBytes: number
  /** Above which unsent bytes, and up to how many, the loudest senders' reliable updates to a receiver are dropped. */
  backlog: BacklogLimits
  /** Unsent bytes of a receiver above which its session is ended: what is left above its backlog is for packets of the room itself. */
  reliableBufferBytes: number
}

/** The limits where the configuration has no others. */
export const defaultLimits: RoomLimits = {
  maxConnections: 10_000,
  maxUnauthenticated: 1_000,
  maxConnectionsPerAddress: 100,
  upgradesPerSecond: 10_000,
  maxMembersPerRoom: 1_000,
  maxAdmittedPeers: 100_000,
  maxMessageBytes: 64 * 1024,
  messages: { perSecond: 100, burst: 300 },
  bytes: { perSecond: 128 * 1024, burst: 128 * 1024 },
  // A client that goes on sending twice its rate is slowed down and no more; one that sends ten times as much has a second.
  droppedUpdates: { perSecond: 100, burst: 1_000 },
  handshakeMs: 30_000,
  admissionGraceMs: 2_000,
  departureGraceMs: 5_000,
  pingAfterMs: 60_000,
  idleMs: 90_000,
  unreliableBufferBytes: 64 * 1024,
  backlog: { calmBytes: 64 * 1024, behindBytes: 256 * 1024, behindMs: 30_000 },
  reliableBufferBytes: 512 * 1024,
}
