import { grown, int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'
import type { PeerTable } from './peer-table.ts'
import { TILES_AROUND } from './tile-grid.ts'
import { TileIndex } from './tile-index.ts'
import { preferredIslandOf } from './wishes.ts'

/**
 * Joins islands that touch and fit, whole (clustering.md §5.2). Of two that fit one fills at most half a room, so only these look around, the
 * smallest first, for the biggest that has room for them. Once is enough: islands only grow meanwhile, so what does not fit now will not fit
 * later, and only islands that touch are joined, so nothing falls apart.
 */
export class Merging {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #occupants: TileIndex
  readonly #maxPeers: number
  /** Union-find: the island one has become part of, itself at first. */
  #into = new Int32Array(1024)

  constructor(peers: PeerTable, islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#tiles = tiles
    this.#occupants = new TileIndex(islands, tiles, maxPeers)
    this.#maxPeers = maxPeers
  }

  /** Merges what met; `depart` hears of each peer that leaves an island for another, before it does. */
  merge(depart: (peer: number) => void): void {
    const small = this.#smallOnes()
    if (small.length === 0) return
    this.#occupants.rebuild()
    this.#forget()
    if (this.#peers.preferenceCount > 0) for (const island of small) this.#honour(island, depart)
    for (const island of small) {
      // One that has become part of another is looked after there.
      while (int(this.#into, island) === island && this.#isSmall(island)) {
        const partner = this.#look(island, NONE)
        if (partner === NONE) break
        if (this.#islands.outranks(partner, island)) this.#absorb(partner, island, depart)
        else this.#absorb(island, partner, depart)
      }
    }
  }

  #isSmall(island: number): boolean {
    return int(this.#islands.seatsTaken, island) * 2 <= this.#maxPeers
  }

  /** The islands that fill at most half a room, the smallest and youngest first. */
  #smallOnes(): number[] {
    const { rows, size } = this.#islands
    const small: number[] = []
    for (let island = 0; island < rows; island++) if (int(size, island) > 0 && this.#isSmall(island)) small.push(island)
    return small.sort((a, b) => (this.#islands.outranks(a, b) ? 1 : -1))
  }

  #forget(): void {
    const { rows } = this.#islands
    if (this.#into.length < rows) this.#into = grown(this.#into, rows * 2)
    for (let island = 0; island < rows; island++) this.#into[island] = island
  }

  #root(island: number): number {
    let root = island
    while (int(this.#into, root) !== root) {
      this.#into[root] = int(this.#into, int(this.#into, root))
      root = int(this.#into, root)
    }
    return root
  }

  /** Lets an island join the one its members wish for, if that goes before it and has room (§5.9). */
  #honour(island: number, depart: (peer: number) => void): void {
    if (int(this.#into, island) !== island) return
    const favourite = preferredIslandOf(island, this.#peers, this.#islands)
    if (favourite === NONE || this.#root(favourite) !== favourite || !this.#islands.outranks(favourite, island)) return
    if (this.#look(island, favourite) === favourite) this.#absorb(favourite, island, depart)
  }

  /**
   * Looks around an island, for one that is wished for or (NONE) for any: of those that touch it and have room the one that was biggest when
   * merging began, of equals the oldest; NONE if there is none. Two in which nobody stirred did not fit the last time, and do not now.
   */
  #look(island: number, wished: number): number {
    const { tile, island: islandOf, grid } = this.#tiles
    const { seatsTaken, isDirty, serial } = this.#islands
    const left = this.#maxPeers - int(seatsTaken, island)
    const hasNews = int(isDirty, island) === 1
    let best = NONE
    let most = 0
    for (let here = this.#occupants.firstOf(island); here !== NONE; here = this.#occupants.nextOf(here)) {
      for (let i = 0; i < TILES_AROUND; i++) {
        const there = grid.around(int(tile, here), i)
        if (there === NONE) continue
        const start = this.#occupants.startOf(there)
        for (let at = this.#occupants.endOf(there, left) - 1; at >= start; at--) {
          const seats = int(this.#occupants.seats, at)
          if (seats < most) break
          const presence = int(this.#occupants.entry, at)
          const other = this.#root(int(islandOf, presence))
          if (other === island || other === best || int(seatsTaken, other) > left || !(hasNews || int(isDirty, other) === 1))
            continue
          if (wished !== NONE && other !== wished) continue
          if (best !== NONE && seats === most && int(serial, best) < int(serial, other)) continue
          if (!this.#tiles.areInReach(here, presence)) continue
          best = other
          most = seats
        }
      }
    }
    return best
  }

  /** The winner has more peers, or is older; the loser's peers move and its id dies (§5.5). */
  #absorb(winner: number, loser: number, depart: (peer: number) => void): void {
    this.#into[loser] = winner
    this.#occupants.unite(winner, loser)
    for (let peer = int(this.#islands.first, loser); peer !== NONE; peer = int(this.#peers.next, peer)) depart(peer)
    this.#islands.absorb(winner, loser)
  }
}
