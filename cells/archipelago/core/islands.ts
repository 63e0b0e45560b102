import type { PeerId, Position } from '../../wire/peer.ts'

/**
 * Why a peer is in another room than before: it arrived, walked away alone, its island was merged into another or was split, it
 * was moved to its neighbours (`rebalance`), or it could not be restored to the room it had (`recovery`).
 */
export type MoveCause = (typeof MOVE_CAUSES)[number]

export const MOVE_CAUSES = ['joined', 'moved', 'merged', 'split', 'rebalance', 'recovery'] as const

/** A peer that a flush put into another room; `room` is the id of its island. */
export interface Move {
  peer: PeerId
  room: string
  cause: MoveCause
}

/** At most one move per peer. */
export interface FlushResult {
  changes: readonly Move[]
}

/** A peer with its last position. */
export interface PlacedPeer {
  readonly peer: PeerId
  readonly position: Position
}

/** An island for reports: `center` on the ground, `radius` to its farthest member, in metres (clustering.md §5.7). */
export interface IslandSummary {
  readonly id: string
  readonly peers: readonly PeerId[]
  /** Undefined for a peer without a usable position. */
  readonly center: Position | undefined
  readonly radius: number
}

/**
 * Groups peers into islands (clustering.md §5): peers connected by short hops share an island, and no island has more peers than
 * a room holds. Synchronous and deterministic, without a clock. Arrivals and movements take effect at the next flush, departures
 * at once.
 */
export interface Islands {
  /** Sets a peer's position. `desiredRoom` replaces its preferred island, `''` clears it, undefined keeps it (§5.10). */
  upsert(peer: PeerId, position: Position, desiredRoom?: string): void
  /** Removes a peer at once; an unknown peer is ignored (§5.14). */
  remove(peer: PeerId): void
  /** Splits islands that are no longer connected, places peers that arrived, merges islands that met. */
  flush(): FlushResult
  /** The room of a peer since the last flush; undefined before its first one. */
  roomOf(peer: PeerId): string | undefined
  /** The peers in a room, in the order of joining; none when there is no such room. */
  membersOf(room: string): readonly PlacedPeer[]
  /** All islands. */
  all(): Iterable<IslandSummary>
  /** Whether a peer is known, placed or not. */
  has(peer: PeerId): boolean
  /** Peers known, placed or not. */
  readonly peerCount: number
  readonly islandCount: number
}

/** Islands that can take over from another engine without moving a peer. */
export interface RestorableIslands extends Islands {
  /**
   * Reserves, for a peer without an island, a seat in the room last announced to it: its first flush puts it there, under the
   * same id and without a move, unless geometry has separated it from the others since (then with cause `recovery`). Until its
   * first heartbeat its seat is kept and its island is not split; `remove` gives the seat up.
   */
  restore(peer: PeerId, room: string): void
}

/** The rules of clustering, in metres and peers. */
export interface IslandRules {
  /** Two islands with peers this close or closer become one, if they fit (§5.2). */
  joinDistance: number
  /** An island stays one while hops of this length or less connect it (§5.3). */
  leaveDistance: number
  /** Peers per room, never exceeded (§5.6). */
  maxPeers: number
  /** The id of a new island; never the same twice (§5.11). */
  nextId: () => string
  /**
   * How often a peer may be moved within `rebalanceWindow` flushes, on average, to share a room with its neighbours in a crowd
   * larger than an island: 1 by default, 0 for never.
   */
  rebalanceBudget?: number
  /** In flushes; 60 by default, two minutes at the usual period. */
  rebalanceWindow?: number
}
