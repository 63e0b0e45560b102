import type { Moment } from '../../chassis/clock.ts'
import { type FencingToken, isEarlier, TermFence } from '../../wire/fencing-token.ts'
import type { PeerId, Position } from '../../wire/peer.ts'
import type { CellActivityCounts } from '../../wire/realm-map.ts'
import { CellActivity } from './cell-activity.ts'

/** A peer by its last heartbeat with a position. */
export interface KnownPeer {
  id: PeerId
  /** Scope of the cell whose connector sent the heartbeat. */
  cell: string
  position: Position
  /** When the heartbeat arrived here, in milliseconds since the epoch. */
  lastPing: number
  /** The same moment by the monotonic clock. */
  receivedMs: number
  /** The session of the heartbeat, where the connector sends one. */
  session: FencingToken | undefined
  /** Counts up with each new peer: lists are sorted by it (comms.md §8.1). */
  appearance: number
}

/** An island as its archipelago last reported it. */
export interface ReportedIsland {
  id: string
  maxPeers: number
  center: Position
  radius: number
  peers: readonly PeerId[]
}

/** The last discovery message of an archipelago, by which it shows that it is alive. */
export interface Discovery {
  /** When it arrived, by the monotonic clock: whatever the sender's clock says, a dead archipelago sends no more of them. */
  receivedMs: number
  userCount: number
}

/** Without a positioned heartbeat for this long a peer counts as disconnected, as in the archipelago (comms.md §6). */
export const PEER_EXPIRY_MS = 60_000
/** An archipelago silent for this long is not healthy (comms.md §8.1), and the islands it reported are dropped. */
export const CELL_SILENCE_MS = 90_000
/** Most peers kept in memory: more than the 32 cells of a realm at 15 000 connections each. */
export const MAX_KNOWN_PEERS = 500_000
/** Most cells kept in memory: twice the slots a realm can have. */
export const MAX_CELLS = 64

interface KnownCell {
  /** By id; of several with one id the first. */
  islands: ReadonlyMap<string, ReportedIsland>
  /** By the monotonic clock. */
  islandsAt: number
  discovery: Discovery | undefined
  /** Rejects reports of an archipelago that another one has taken over from. */
  fence: TermFence
}

/** The last known state of one cell or of all cells of a realm. It reads no clock: callers pass the moment of each message. */
export class Snapshot {
  readonly #peers = new Map<PeerId, KnownPeer>()
  readonly #cells = new Map<string, KnownCell>()
  readonly #activity = new CellActivity(MAX_CELLS)
  #revision = 0
  #lastAppearance = 0

  /** Grows with each change of what the routes show. */
  get revision(): number {
    return this.#revision
  }

  /** Records where a peer is. False when there is no room for one more. A heartbeat of an older session changes nothing. */
  recordHeartbeat(cell: string, id: PeerId, position: Position, at: Moment, session?: FencingToken): boolean {
    const known = this.#peers.get(id)
    if (!known && this.#peers.size >= MAX_KNOWN_PEERS) return false
    if (known && known.cell === cell && isOlder(session, known.session, at.epochMs)) return true
    if (known?.cell !== cell) {
      if (known) this.#activity.left(known.cell)
      this.#activity.joined(cell)
    }
    this.#activity.heartbeat(cell)
    if (known) {
      known.cell = cell
      known.position = position
      known.lastPing = at.epochMs
      known.receivedMs = at.monotonicMs
      known.session = session
    } else {
      const appearance = ++this.#lastAppearance
      this.#peers.set(id, { id, cell, position, lastPing: at.epochMs, receivedMs: at.monotonicMs, session, appearance })
    }
    this.#revision++
    return true
  }

  /**
   * Ends a session of a peer in a cell. The peer stays if it has sent a heartbeat from a later session or another cell: it moved,
   * or came back.
   */
  recordDisconnect(cell: string, id: PeerId, at: Moment, session?: FencingToken): void {
    const known = this.#peers.get(id)
    if (known?.cell !== cell || isOlder(session, known.session, at.epochMs)) return
    this.#peers.delete(id)
    this.#activity.left(cell)
    this.#revision++
  }

  /** Whether a report of this term counts, because no later term has reported for the cell. */
  isCurrentTerm(cell: string, term: FencingToken | undefined, at: Moment): boolean {
    return this.#cell(cell)?.fence.accepts(term, at.epochMs) ?? true
  }

  /** Replaces the islands of a cell. False when there is no room for one more cell. */
  recordIslands(cell: string, islands: readonly ReportedIsland[], at: Moment): boolean {
    const seen = this.#cell(cell)
    if (!seen) return false
    const byId = new Map<string, ReportedIsland>()
    for (const island of islands) if (!byId.has(island.id)) byId.set(island.id, island)
    seen.islands = byId
    seen.islandsAt = at.monotonicMs
    this.#revision++
    return true
  }

  /** Records that the archipelago of a cell is alive. False when there is no room for one more cell. */
  recordDiscovery(cell: string, userCount: number, at: Moment): boolean {
    const seen = this.#cell(cell)
    if (!seen) return false
    seen.discovery = { receivedMs: at.monotonicMs, userCount }
    return true
  }

  /** Removes silent peers, and the islands of silent archipelagos; returns how many peers were removed. `nowMs` is monotonic. */
  expire(nowMs: number): number {
    let expired = 0
    for (const { id, cell, receivedMs } of this.#peers.values()) {
      if (nowMs - receivedMs <= PEER_EXPIRY_MS) continue
      this.#peers.delete(id)
      this.#activity.left(cell)
      expired++
    }
    let cleared = false
    for (const cell of this.#cells.values()) {
      if (cell.islands.size === 0 || nowMs - cell.islandsAt < CELL_SILENCE_MS) continue
      cell.islands = new Map()
      cleared = true
    }
    if (expired > 0 || cleared) this.#revision++
    return expired
  }

  get peerCount(): number {
    return this.#peers.size
  }

  peer(id: string): KnownPeer | undefined {
    return this.#peers.get(id as PeerId)
  }

  /** Every known peer, in order of appearance. */
  peers(): Iterable<KnownPeer> {
    return this.#peers.values()
  }

  /** Every island of every cell. */
  *islands(): Iterable<ReportedIsland> {
    for (const { islands } of this.#cells.values()) yield* islands.values()
  }

  /** How many islands a cell has. */
  islandsOf(cell: string): number {
    return this.#cells.get(cell)?.islands.size ?? 0
  }

  /** How much goes on in a cell. */
  activityOf(cell: string): CellActivityCounts {
    return this.#activity.of(cell)
  }

  island(id: string): ReportedIsland | undefined {
    for (const { islands } of this.#cells.values()) {
      const island = islands.get(id)
      if (island) return island
    }
    return undefined
  }

  /** Every cell that ever sent a report, with the last discovery message of its archipelago. */
  *cells(): Iterable<{ cell: string; discovery: Discovery | undefined }> {
    for (const [cell, { discovery }] of this.#cells) yield { cell, discovery }
  }

  #cell(name: string): KnownCell | undefined {
    const known = this.#cells.get(name)
    if (known || this.#cells.size >= MAX_CELLS) return known
    const fresh: KnownCell = { islands: new Map(), islandsAt: 0, discovery: undefined, fence: new TermFence() }
    this.#cells.set(name, fresh)
    return fresh
  }
}

const isOlder = (session: FencingToken | undefined, known: FencingToken | undefined, now: number): boolean =>
  session !== undefined && known !== undefined && isEarlier(session, known, now)
