import type { PeerId, Position } from '../../wire/peer.ts'

/**
 * Why a peer is in another room than before: it arrived, walked off alone, its island was absorbed, or fell apart, it gets better company, or
 * could not go back to where an earlier engine had put it.
 */
export type MoveCause = 'joined' | 'moved' | 'merged' | 'split' | 'rebalance' | 'recovery'

/** A peer that a flush put into another room than the flush before; `room` is the id of its island. */
export interface Move {
  peer: PeerId
  room: string
  cause: MoveCause
}

/** What a flush changed; at most one move per peer. */
export interface FlushResult {
  changes: readonly Move[]
}

/** A peer and where it was last seen. */
export interface PlacedPeer {
  readonly peer: PeerId
  readonly position: Position
}

/** An island as the world sees it: `center` on the ground, `radius` to its farthest member, in metres (clustering.md §5.7). */
export interface IslandSummary {
  readonly id: string
  readonly peers: readonly PeerId[]
  /** Nothing for a peer that stands nowhere. */
  readonly center: Position | undefined
  readonly radius: number
}

/**
 * Who stands with whom (clustering.md §5): peers linked by hops share an island, never more than fit into a room.
 * Synchronous, without a clock or chance of its own. Arrivals and steps act at the next flush, departures at once.
 */
export interface Islands {
  /** Notes where a peer stands. `desiredRoom` replaces its preferred island, `''` clears it, nothing keeps it (§5.10). */
  upsert(peer: PeerId, position: Position, desiredRoom?: string): void
  /** Takes a peer out at once; a peer nobody knows is fine (§5.14). */
  remove(peer: PeerId): void
  /** Splits what drifted apart, merges what met, places who arrived. */
  flush(): FlushResult
  /** The room of a peer since the last flush; nothing before its first one. */
  roomOf(peer: PeerId): string | undefined
  /** Everybody in a room; nobody when there is no such room. */
  membersOf(room: string): readonly PlacedPeer[]
  /** Every island there is. */
  all(): Iterable<IslandSummary>
  /** Whether a peer is known, placed or not. */
  has(peer: PeerId): boolean
  /** Peers known, placed or not. */
  readonly peerCount: number
  readonly islandCount: number
}

/** Islands that can take over from an engine that is no more, without moving anybody. */
export interface RestorableIslands extends Islands {
  /**
   * Notes the room that a peer which has no island yet was last told: it goes back there with its first flush, under the same id, and is not
   * told again unless geometry has parted them since (then with cause `recovery`). Until it speaks its seat is kept and its
   * island is left in one piece; `remove` gives the seat up.
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
  /** Names a new island; never the same name twice (§5.11). */
  nextId: () => string
  /**
   * How often a peer may be moved within `rebalanceWindow` flushes, on average, for the sake of better company in a crowd larger than an
   * island: 1 unless said, 0 for never.
   */
  rebalanceBudget?: number
  /** Flushes; 60 unless said, two minutes at the usual period. */
  rebalanceWindow?: number
}
