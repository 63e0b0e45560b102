import type { PeerId, Position } from '../../../wire/peer.ts'
import type { AdoptingIslands, Flush, IslandRules, IslandView, Move, MoveCause, Standing } from '../islands.ts'
import { int, NONE, real } from './columns.ts'
import { Homecomers } from './homecomers.ts'
import { IslandTable } from './island-table.ts'
import { Lineup } from './lineup.ts'
import { Merging } from './merging.ts'
import { PeerTable } from './peer-table.ts'
import { Pieces } from './pieces.ts'
import { Placing } from './placing.ts'
import { Rebalancing } from './rebalancing.ts'
import { Stack } from './stack.ts'
import { Tiles } from './tiles.ts'
import { viewOf } from './view.ts'

const NOTHING: Flush = { changes: [] }

/** An engine that holds a city on one core: tables of typed arrays, work only for who moved. */
export const createCityIslands = (rules: IslandRules): AdoptingIslands => new CityIslands(rules)

class CityIslands implements AdoptingIslands {
  readonly #rules: IslandRules
  readonly #peers = new PeerTable()
  readonly #islands = new IslandTable(this.#peers)
  readonly #tiles: Tiles
  readonly #lineup: Lineup
  readonly #pieces: Pieces
  readonly #placing: Placing
  readonly #merging: Merging
  readonly #homecomers: Homecomers
  /** Nothing when nobody is to be moved for the sake of company. */
  readonly #rebalancing: Rebalancing | undefined
  readonly #arrivals = new Stack()
  readonly #departed = new Stack()

  constructor(rules: IslandRules) {
    this.#rules = rules
    this.#tiles = new Tiles(this.#peers, rules.joinDistance)
    this.#lineup = new Lineup(this.#peers, this.#islands)
    this.#pieces = new Pieces(this.#peers, this.#islands, this.#lineup, rules.leaveDistance)
    this.#placing = new Placing(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#merging = new Merging(this.#peers, this.#islands, this.#tiles, rules.maxPeers)
    this.#homecomers = new Homecomers(this.#peers, this.#islands, rules.maxPeers)
    const { rebalanceBudget = 1, rebalanceWindow = 60 } = rules
    if (rebalanceBudget > 0)
      this.#rebalancing = new Rebalancing(this.#peers, this.#islands, rules.joinDistance, rebalanceWindow / rebalanceBudget)
  }

  get peerCount(): number {
    return this.#peers.count
  }

  get islandCount(): number {
    return this.#islands.named.size
  }

  has(peer: PeerId): boolean {
    return this.#peers.slotOf(peer) !== NONE
  }

  upsert(peer: PeerId, position: Position, desiredRoom?: string): void {
    let slot = this.#peers.slotOf(peer)
    if (slot === NONE) slot = this.#arrive(peer)
    if (desiredRoom !== undefined) this.#peers.setWish(slot, desiredRoom)
    if (!this.#peers.step(slot, position)) return
    this.#rebalancing?.step(slot)
    const island = this.#peers.islandOf(slot)
    if (island !== NONE) this.#islands.stir(island)
  }

  adopt(peer: PeerId, room: string): void {
    if (this.roomOf(peer) === undefined) this.#homecomers.expect(peer, room)
  }

  remove(peer: PeerId): void {
    this.#homecomers.forget(peer)
    const slot = this.#peers.slotOf(peer)
    if (slot === NONE) return
    this.#rebalancing?.leave()
    if (this.#peers.islandOf(slot) === NONE) this.#turnBack(slot)
    else this.#islands.leave(slot)
    this.#peers.drop(slot)
  }

  flush(): Flush {
    this.#rebalancing?.rebalance((peer) => this.#depart(peer, 'rebalance'))
    if (this.#islands.stirred.length === 0 && this.#arrivals.length === 0) return NOTHING
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
    const slot = this.#peers.slotOf(peer)
    const island = slot === NONE ? NONE : this.#peers.islandOf(slot)
    return island === NONE ? undefined : this.#islands.ids[island]
  }

  membersOf(room: string): readonly Standing[] {
    const members: Standing[] = []
    const island = this.#islands.slotOf(room)
    if (island === NONE) return members
    for (let peer = int(this.#islands.first, island); peer !== NONE; peer = int(this.#peers.next, peer))
      members.push({ peer: this.#peers.idOf(peer), position: this.#peers.positionOf(peer) })
    return members
  }

  *all(): Iterable<IslandView> {
    for (const id of this.#islands.named.keys()) yield viewOf(id, this.#islands, this.#peers)
  }

  #arrive(peer: PeerId): number {
    const slot = this.#peers.add(peer)
    this.#peers.next[slot] = this.#arrivals.length
    this.#arrivals.push(slot)
    this.#rebalancing?.arrive(slot)
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
      if (!this.#homecomers.isExpected(peer)) continue
      this.#depart(peer, 'recovery')
      if (this.#homecomers.bringHome(peer)) this.#arrivals.replaceByLast(i)
    }
  }

  /** §5.4: what breaks off becomes an island of its own; who breaks off alone looks for company like a newcomer. */
  #split(): void {
    const { stirred } = this.#islands
    for (let i = 0, end = stirred.length; i < end; i++) {
      const island = stirred.at(i)
      if (int(this.#islands.isStirred, island) === 0) continue
      // Whoever is still to come may be the bridge between the others.
      if (int(this.#islands.taken, island) > int(this.#islands.size, island)) {
        this.#pieces.letGo(island)
        continue
      }
      for (const piece of this.#pieces.brokenOff(island)) {
        const cause = piece.length === 1 ? 'moved' : 'split'
        const home = piece.length === 1 ? NONE : this.#islands.found()
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
    const { taken, size } = this.#islands
    const { peer, x, z } = this.#lineup
    this.#tiles.clear()
    for (let lined = 0; lined < this.#lineup.islands; lined++) {
      if (int(taken, lined) >= this.#rules.maxPeers) continue
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
    const { stirred, isStirred, ids, size } = this.#islands
    for (let i = 0; i < stirred.length; i++) {
      const island = stirred.at(i)
      if (int(isStirred, island) === 0) continue
      isStirred[island] = 0
      if (int(size, island) > 0 && ids[island] === undefined) this.#islands.name(island, this.#rules.nextId())
    }
    stirred.clear()
  }

  /** Remembers that a peer leaves its room in this flush, and the first thing that took it away. */
  #depart(peer: number, cause: MoveCause): void {
    if (this.#peers.cause[peer] !== undefined) return
    this.#peers.cause[peer] = cause
    this.#departed.push(peer)
  }

  /** §5.22: a move for whoever is in another room than it was last told. */
  #tell(): Move[] {
    const { told, cause } = this.#peers
    const moves: Move[] = []
    for (let i = 0; i < this.#departed.length; i++) {
      const peer = this.#departed.at(i)
      const room = this.#islands.ids[this.#peers.islandOf(peer)]
      const why = cause[peer]
      cause[peer] = undefined
      if (room === undefined || why === undefined || room === told[peer]) continue
      told[peer] = room
      moves.push({ peer: this.#peers.idOf(peer), room, cause: why })
    }
    this.#departed.clear()
    return moves
  }
}
