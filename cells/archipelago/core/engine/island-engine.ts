import type { PeerId, Position } from '../../../wire/peer.ts'
import type { FlushResult, IslandRules, IslandSummary, Move, MoveCause, PlacedPeer, RestorableIslands } from '../islands.ts'
import { int, NONE, real } from './columns.ts'
import { IslandTable } from './island-table.ts'
import { IslandTiles } from './island-tiles.ts'
import { MemberSnapshot } from './member-snapshot.ts'
import { Merging } from './merging.ts'
import { PeerTable } from './peer-table.ts'
import { Placing } from './placing.ts'
import { Rebalancing } from './rebalancing.ts'
import { RestoredPeers } from './restored-peers.ts'
import { Splitting } from './splitting.ts'
import { RowList } from './stack.ts'
import { summaryOf } from './view.ts'

const NOTHING: FlushResult = { changes: [] }

/** An engine that holds a city on one core: tables of typed arrays, work only for who moved. */
export const createIslands = (rules: IslandRules): RestorableIslands => new IslandEngine(rules)

class IslandEngine implements RestorableIslands {
  readonly #rules: IslandRules
  readonly #peers = new PeerTable()
  readonly #islands = new IslandTable(this.#peers)
  readonly #tiles: IslandTiles
  readonly #lineup: MemberSnapshot
  readonly #pieces: Splitting
  readonly #placing: Placing
  readonly #merging: Merging
  readonly #homecomers: RestoredPeers
  /** Nothing when nobody is to be moved for the sake of company. */
  readonly #rebalancing: Rebalancing | undefined
  readonly #arrivals = new RowList()
  readonly #departed = new RowList()

  constructor(rules: IslandRules) {
    this.#rules = rules
    this.#tiles = new IslandTiles(this.#peers, rules.joinDistance)
    this.#lineup = new MemberSnapshot(this.#peers, this.#islands)
    this.#pieces = new Splitting(this.#peers, this.#islands, this.#lineup, rules.leaveDistance)
    this.#placing = new Placing(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#merging = new Merging(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#homecomers = new RestoredPeers(this.#peers, this.#islands, rules.maxPeers)
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
    let slot = this.#peers.rowOf(peer)
    if (slot === NONE) slot = this.#arrive(peer)
    if (desiredRoom !== undefined) this.#peers.setPreferredRoom(slot, desiredRoom)
    if (!this.#peers.move(slot, position)) return
    this.#rebalancing?.moved(slot)
    const island = this.#peers.islandOf(slot)
    if (island !== NONE) this.#islands.markDirty(island)
  }

  restore(peer: PeerId, room: string): void {
    if (this.roomOf(peer) === undefined) this.#homecomers.reserve(peer, room)
  }

  remove(peer: PeerId): void {
    this.#homecomers.release(peer)
    const slot = this.#peers.rowOf(peer)
    if (slot === NONE) return
    this.#rebalancing?.removed()
    if (this.#peers.islandOf(slot) === NONE) this.#turnBack(slot)
    else this.#islands.leave(slot)
    this.#peers.drop(slot)
  }

  flush(): FlushResult {
    this.#rebalancing?.rebalance((peer) => this.#depart(peer, 'rebalance'))
    if (this.#islands.dirty.length === 0 && this.#arrivals.length === 0) return NOTHING
    if (this.#homecomers.count > 0) this.#bringHome()
    this.#lineup.take()
    this.#split()
    for (let i = 0; i < this.#arrivals.length; i++) this.#depart(this.#arrivals.at(i), 'joined')
    this.#mapOpenIslands()
    this.#placing.place(this.#arrivals)
    this.#arrivals.clear()
    this.#merging.merge((peer) => this.#depart(peer, 'merged'))
    this.#settle()
    return { changes: this.#tell() }
  }

  roomOf(peer: PeerId): string | undefined {
    const slot = this.#peers.rowOf(peer)
    const island = slot === NONE ? NONE : this.#peers.islandOf(slot)
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

  #arrive(peer: PeerId): number {
    const slot = this.#peers.add(peer)
    this.#peers.next[slot] = this.#arrivals.length
    this.#arrivals.push(slot)
    this.#rebalancing?.add(slot)
    return slot
  }

  /** Takes a newcomer out of the queue before it was placed. */
  #turnBack(slot: number): void {
    const place = int(this.#peers.next, slot)
    this.#peers.next[this.#arrivals.replaceByLast(place)] = place
  }

  /** §6.9: those that an earlier engine placed go where they were before anything is judged. */
  #bringHome(): void {
    for (let i = this.#arrivals.length - 1; i >= 0; i--) {
      const peer = this.#arrivals.at(i)
      if (!this.#homecomers.isReserved(peer)) continue
      this.#depart(peer, 'recovery')
      if (this.#homecomers.restore(peer)) this.#arrivals.replaceByLast(i)
    }
  }

  /** §5.4: what breaks off becomes an island of its own; who breaks off alone looks for company like a newcomer. */
  #split(): void {
    const { dirty } = this.#islands
    for (let i = 0, end = dirty.length; i < end; i++) {
      const island = dirty.at(i)
      if (int(this.#islands.isDirty, island) === 0) continue
      // Whoever is still to come may be the bridge between the others.
      if (int(this.#islands.seatsTaken, island) > int(this.#islands.size, island)) {
        this.#pieces.dropBrokenLinks(island)
        continue
      }
      for (const piece of this.#pieces.detachedComponents(island)) {
        const cause = piece.length === 1 ? 'moved' : 'split'
        const home = piece.length === 1 ? NONE : this.#islands.create()
        for (const peer of piece) {
          this.#depart(peer, cause)
          this.#islands.leave(peer)
          if (home === NONE) this.#arrivals.push(peer)
          else this.#islands.join(home, peer)
        }
      }
    }
  }

  /** Puts the members of islands with room on the tiles. */
  #mapOpenIslands(): void {
    const { seatsTaken, size } = this.#islands
    const { peer, x, z } = this.#lineup
    this.#tiles.clear()
    for (let lined = 0; lined < this.#lineup.islandRows; lined++) {
      if (int(seatsTaken, lined) >= this.#rules.maxPeers) continue
      const start = this.#lineup.startOf(lined)
      const end = this.#lineup.endOf(lined)
      const isWhole = int(size, lined) === end - start
      for (let place = start; place < end; place++) {
        const east = real(x, place)
        const north = real(z, place)
        const island = isWhole ? lined : this.#peers.islandOf(int(peer, place))
        if (island !== NONE && !Number.isNaN(east))
          this.#tiles.add(int(peer, place), island, this.#tiles.tileAt(east, north), east, north)
      }
    }
  }

  #settle(): void {
    const { dirty, isDirty, ids, size } = this.#islands
    for (let i = 0; i < dirty.length; i++) {
      const island = dirty.at(i)
      if (int(isDirty, island) === 0) continue
      isDirty[island] = 0
      if (int(size, island) > 0 && ids[island] === undefined) this.#islands.assignId(island, this.#rules.nextId())
    }
    dirty.clear()
  }

  /** Remembers that a peer leaves its room in this flush, and the first thing that took it away. */
  #depart(peer: number, cause: MoveCause): void {
    if (this.#peers.cause[peer] !== undefined) return
    this.#peers.cause[peer] = cause
    this.#departed.push(peer)
  }

  /** §5.22: a move for whoever is in another room than it was last told. */
  #tell(): Move[] {
    const { reportedRoom, cause } = this.#peers
    const moves: Move[] = []
    for (let i = 0; i < this.#departed.length; i++) {
      const peer = this.#departed.at(i)
      const room = this.#islands.ids[this.#peers.islandOf(peer)]
      const why = cause[peer]
      cause[peer] = undefined
      if (room === undefined || why === undefined || room === reportedRoom[peer]) continue
      reportedRoom[peer] = room
      moves.push({ peer: this.#peers.idOf(peer), room, cause: why })
    }
    this.#departed.clear()
    return moves
  }
}
