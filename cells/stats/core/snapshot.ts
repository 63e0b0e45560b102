import { type FencingToken, TermFence } from '../../wire/fencing-token.ts'
import type { PeerId, Position } from '../../wire/peer.ts'

/** A peer as last heard. */
export interface KnownPeer {
  id: PeerId
  /** Scope of the cell whose connector spoke of it. */
  cell: string
  position: Position
  /** When we heard it, in milliseconds since the epoch. */
  lastPing: number
  /** The session it was heard in, where its connector knows sessions. */
  session: FencingToken | undefined
  /** Order of appearance, which is the order of every list (comms.md §8.1). */
  since: number
}

/** An island as its archipelago last reported it. */
export interface ReportedIsland {
  id: string
  maxPeers: number
  center: Position
  radius: number
  peers: readonly PeerId[]
}

/** An archipelago's word about itself. */
export interface Discovery {
  /** When it spoke, by its own clock, but never later than we heard it: a clock ahead of ours must not keep a dead one alive. */
  at: number
  userCount: number
}

/** Peers without a positioned heartbeat for this long have gone without saying so, like in the archipelago (comms.md §6). */
export const PEER_EXPIRY_MS = 60_000
/** An archipelago silent for this long is not healthy (comms.md §8.1), and what it said of its islands no longer holds. */
export const CELL_SILENCE_MS = 90_000
/** More peers than this are not remembered; a realm's 32 cells at 15 000 connections do not reach it. */
export const MAX_KNOWN_PEERS = 500_000
/** Slots a realm can have, twice. */
export const MAX_CELLS = 64

interface KnownCell {
  islands: readonly ReportedIsland[]
  islandsAt: number
  discovery: Discovery | undefined
  /** Against archipelagos that others took over from. */
  fence: TermFence
}

/** What we last heard, of one cell or of all cells of a realm. Nothing here knows a clock: time comes with each message. */
export class Snapshot {
  readonly #peers = new Map<PeerId, KnownPeer>()
  readonly #cells = new Map<string, KnownCell>()
  #revision = 0
  #appearances = 0

  /** Grows whenever something that is shown has changed. */
  get revision(): number {
    return this.#revision
  }

  /** A peer stands somewhere. False when there is no room for one more. A heartbeat of an older session changes nothing. */
  recordHeartbeat(cell: string, id: PeerId, position: Position, now: number, session?: FencingToken): boolean {
    const known = this.#peers.get(id)
    if (!known && this.#peers.size >= MAX_KNOWN_PEERS) return false
    if (known && known.cell === cell && isOlder(session, known.session)) return true
    if (known) {
      known.cell = cell
      known.position = position
      known.lastPing = now
      known.session = session
    } else this.#peers.set(id, { id, cell, position, lastPing: now, session, since: this.#appearances++ })
    this.#revision++
    return true
  }

  /** A session of a peer in a cell ended. The peer stays when it has since been heard in another one: it only moved, or came back. */
  recordDisconnect(cell: string, id: PeerId, session?: FencingToken): void {
    const known = this.#peers.get(id)
    if (known?.cell !== cell || isOlder(session, known.session)) return
    this.#peers.delete(id)
    this.#revision++
  }

  /** Whether an archipelago of this term still speaks for its cell. */
  isCurrentTerm(cell: string, term: FencingToken | undefined): boolean {
    return this.#cell(cell)?.fence.accepts(term) ?? true
  }

  /** All islands of a cell, replacing what was reported before. False when there is no room for one more cell. */
  recordIslands(cell: string, islands: readonly ReportedIsland[], now: number): boolean {
    const seen = this.#cell(cell)
    if (!seen) return false
    seen.islands = islands
    seen.islandsAt = now
    this.#revision++
    return true
  }

  /** An archipelago says that it lives. False when there is no room for one more cell. */
  recordDiscovery(cell: string, currentTime: number, userCount: number, now: number): boolean {
    const seen = this.#cell(cell)
    if (!seen) return false
    seen.discovery = { at: Math.min(currentTime, now), userCount }
    return true
  }

  /** Forgets who fell silent; answers how many peers went. */
  expire(now: number): number {
    let gone = 0
    for (const { id, lastPing } of this.#peers.values()) {
      if (now - lastPing <= PEER_EXPIRY_MS) continue
      this.#peers.delete(id)
      gone++
    }
    let cleared = false
    for (const cell of this.#cells.values()) {
      if (cell.islands.length === 0 || now - cell.islandsAt < CELL_SILENCE_MS) continue
      cell.islands = []
      cleared = true
    }
    if (gone > 0 || cleared) this.#revision++
    return gone
  }

  get peerCount(): number {
    return this.#peers.size
  }

  peer(id: string): KnownPeer | undefined {
    return this.#peers.get(id as PeerId)
  }

  /** Everybody, in order of appearance. */
  peers(): Iterable<KnownPeer> {
    return this.#peers.values()
  }

  /** Every island of every cell. */
  *islands(): Iterable<ReportedIsland> {
    for (const { islands } of this.#cells.values()) yield* islands
  }

  /** Every cell that was ever heard, and when its archipelago last spoke. */
  *cells(): Iterable<{ cell: string; discovery: Discovery | undefined }> {
    for (const [cell, { discovery }] of this.#cells) yield { cell, discovery }
  }

  #cell(name: string): KnownCell | undefined {
    const known = this.#cells.get(name)
    if (known || this.#cells.size >= MAX_CELLS) return known
    const fresh: KnownCell = { islands: [], islandsAt: 0, discovery: undefined, fence: new TermFence() }
    this.#cells.set(name, fresh)
    return fresh
  }
}

const isOlder = (session: FencingToken | undefined, known: FencingToken | undefined): boolean =>
  session !== undefined && known !== undefined && session < known
