import type { PeerId, Position } from '../../../wire/peer.ts'
import type { FlushResult, IslandRules, IslandSummary, Move, MoveCause, PlacedPeer, RestorableIslands } from '../islands.ts'
import { int, NONE, RowList } from './columns.ts'
import { IslandTable, summaryOf } from './island-table.ts'
import { IslandTiles } from './island-tiles.ts'
import { MemberSnapshot } from './member-snapshot.ts'
import { Merging } from './merging.ts'
import { PeerTable } from './peer-table.ts'
import { Placing } from './placing.ts'
import { Rebalancing } from './rebalancing.ts'
import { RestoredPeers } from './restored-peers.ts'
import { Splitting } from './splitting.ts'

const NOTHING: FlushResult = { changes: [] }

/** An engine for hundreds of thousands of peers on one core: tables of typed arrays, and work only for peers that moved. */
export const createIslands = (rules: IslandRules): RestorableIslands => new IslandEngine(rules)

class IslandEngine implements RestorableIslands {
  readonly #rules: IslandRules
  readonly #peers = new PeerTable()
  readonly #islands = new IslandTable(this.#peers)
  readonly #tiles: IslandTiles
  readonly #snapshot: MemberSnapshot
  readonly #splitting: Splitting
  readonly #placing: Placing
  readonly #merging: Merging
  readonly #restoredPeers: RestoredPeers
  /** Undefined when rebalancing is switched off. */
  readonly #rebalancing: Rebalancing | undefined
  readonly #arrivals = new RowList()
  readonly #departed = new RowList()

  constructor(rules: IslandRules) {
    this.#rules = rules
    this.#tiles = new IslandTiles(this.#peers, rules.joinDistance)
    this.#snapshot = new MemberSnapshot(this.#peers, this.#islands)
    this.#splitting = new Splitting(this.#peers, this.#islands, this.#snapshot, rules.leaveDistance)
    this.#placing = new Placing(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#merging = new Merging(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#restoredPeers = new RestoredPeers(this.#peers, this.#islands, rules.maxPeers)
    const { rebalanceBudget = 1, rebalanceWindow = 60 } = rules
    if (rebalanceBudget > 0)
      this.#rebalancing = new Rebalancing(this.#peers, this.#islands, rules.joinDistance, rebalanceWindow / rebalanceBudget)
  }

  get peerCount(): number {
    return this.#peers.count
  }

  get islandCount(): number {
    return this.#islands.rowsById.size
  }

  has(peer: PeerId): boolean {
    return this.#peers.rowOf(peer) !== NONE
  }

  upsert(peer: PeerId, position: Position, desiredRoom?: string): void {
    let row = this.#peers.rowOf(peer)
    if (row === NONE) row = this.#addArrival(peer)
    if (desiredRoom !== undefined) this.#peers.setPreferredRoom(row, desiredRoom)
    if (!this.#peers.move(row, position)) return
    this.#rebalancing?.moved(row)
    const island = this.#peers.islandOf(row)
    if (island !== NONE) this.#islands.markDirty(island)
  }

  restore(peer: PeerId, room: string): void {
    if (this.roomOf(peer) === undefined) this.#restoredPeers.reserve(peer, room)
  }

  remove(peer: PeerId): void {
    this.#restoredPeers.release(peer)
    const row = this.#peers.rowOf(peer)
    if (row === NONE) return
    this.#rebalancing?.removed()
    if (this.#peers.islandOf(row) === NONE) this.#removeArrival(row)
    else this.#islands.leave(row)
    this.#peers.drop(row)
  }

  flush(): FlushResult {
    this.#rebalancing?.rebalance((peer) => this.#noteDeparture(peer, 'rebalance'))
    if (this.#islands.dirty.length === 0 && this.#arrivals.length === 0) return NOTHING
    if (this.#restoredPeers.count > 0) this.#restorePeers()
    this.#snapshot.take()
    this.#split()
    for (let i = 0; i < this.#arrivals.length; i++) this.#noteDeparture(this.#arrivals.at(i), 'joined')
    this.#addToTiles()
    this.#placing.place(this.#arrivals)
    this.#arrivals.clear()
    this.#merging.merge((peer) => this.#noteDeparture(peer, 'merged'))
    this.#finish()
    return { changes: this.#moves() }
  }

  roomOf(peer: PeerId): string | undefined {
    const row = this.#peers.rowOf(peer)
    const island = row === NONE ? NONE : this.#peers.islandOf(row)
    return island === NONE ? undefined : this.#islands.ids[island]
  }

  membersOf(room: string): readonly PlacedPeer[] {
    const members: PlacedPeer[] = []
    const island = this.#islands.rowOf(room)
    if (island === NONE) return members
    for (let peer = int(this.#islands.first, island); peer !== NONE; peer = int(this.#peers.next, peer))
      members.push({ peer: this.#peers.idOf(peer), position: this.#peers.positionOf(peer) })
    return members
  }

  *all(): Iterable<IslandSummary> {
    for (const id of this.#islands.rowsById.keys()) yield summaryOf(id, this.#islands, this.#peers)
  }

  #addArrival(peer: PeerId): number {
    const row = this.#peers.add(peer)
    this.#peers.next[row] = this.#arrivals.length
    this.#arrivals.push(row)
    this.#rebalancing?.add(row)
    return row
  }

  /** Removes a peer from the arrivals before it was placed. */
  #removeArrival(row: number): void {
    const index = int(this.#peers.next, row)
    this.#peers.next[this.#arrivals.replaceByLast(index)] = index
  }

  /** §6.9: puts peers back where an earlier engine had placed them, before anything else is decided. */
  #restorePeers(): void {
    for (let i = this.#arrivals.length - 1; i >= 0; i--) {
      const peer = this.#arrivals.at(i)
      if (!this.#restoredPeers.isReserved(peer)) continue
      this.#noteDeparture(peer, 'recovery')
      if (this.#restoredPeers.restore(peer)) this.#arrivals.replaceByLast(i)
    }
  }

  /** §5.4: a detached component becomes an island of its own; a single detached peer is placed like an arriving one. */
  #split(): void {
    const { dirty } = this.#islands
    for (let i = 0, end = dirty.length; i < end; i++) {
      const island = dirty.at(i)
      if (int(this.#islands.isDirty, island) === 0) continue
      // A restored peer whose position is still unknown may be the one that connects the others.
      if (int(this.#islands.seatsTaken, island) > int(this.#islands.size, island)) {
        this.#splitting.dropBrokenLinks(island)
        continue
      }
      for (const component of this.#splitting.detachedComponents(island)) {
        const cause = component.length === 1 ? 'moved' : 'split'
        const target = component.length === 1 ? NONE : this.#islands.create()
        for (const peer of component) {
          this.#noteDeparture(peer, cause)
          this.#islands.leave(peer)
          if (target === NONE) this.#arrivals.push(peer)
          else this.#islands.join(target, peer)
        }
      }
    }
  }

  /** Adds the members of islands with room to the tiles. */
  #addToTiles(): void {
    const { seatsTaken, size } = this.#islands
    const { island: islandOf } = this.#peers
    const { islandRows, peer, x, z } = this.#snapshot
    const { maxPeers } = this.#rules
    const tiles = this.#tiles
    tiles.clear()
    for (let row = 0; row < islandRows; row++) {
      if (int(seatsTaken, row) >= maxPeers) continue
      const start = this.#snapshot.startOf(row)
      const end = this.#snapshot.endOf(row)
      const isUnchanged = int(size, row) === end - start
      for (let index = start; index < end; index++) {
        const east = x[index] as number
        const north = z[index] as number
        const member = peer[index] as number
        const island = isUnchanged ? row : (islandOf[member] as number)
        if (island !== NONE && !Number.isNaN(east)) tiles.add(member, island, tiles.tileAt(east, north), east, north)
      }
    }
  }

  #finish(): void {
    const { dirty, isDirty, ids, size } = this.#islands
    for (let i = 0; i < dirty.length; i++) {
      const island = dirty.at(i)
      if (int(isDirty, island) === 0) continue
      isDirty[island] = 0
      if (int(size, island) > 0 && ids[island] === undefined) this.#islands.assignId(island, this.#rules.nextId())
    }
    dirty.clear()
  }

  /** Notes that a peer leaves its room in this flush; its first cause counts. */
  #noteDeparture(peer: number, cause: MoveCause): void {
    if (this.#peers.cause[peer] !== undefined) return
    this.#peers.cause[peer] = cause
    this.#departed.push(peer)
  }

  /** §5.22: a move for each peer whose room is another than at the last flush. */
  #moves(): Move[] {
    const { reportedRoom, cause } = this.#peers
    const moves: Move[] = []
    for (let i = 0; i < this.#departed.length; i++) {
      const peer = this.#departed.at(i)
      const room = this.#islands.ids[this.#peers.islandOf(peer)]
      const reason = cause[peer]
      cause[peer] = undefined
      if (room === undefined || reason === undefined || room === reportedRoom[peer]) continue
      reportedRoom[peer] = room
      moves.push({ peer: this.#peers.idOf(peer), room, cause: reason })
    }
    this.#departed.clear()
    return moves
  }
}
