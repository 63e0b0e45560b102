import { type Dweller, Island, squaredDistance } from './island.ts'

/** Beyond this many metres from the origin a peer stands nowhere: no world is that large, and tile keys stay exact. */
export const WORLD_EDGE = 2 ** 24

/** Tiles to look at on each side: two cover more than the reach. */
const SPAN = 2
const ROW = 2 ** 26

interface Tile {
  residents: Map<Island, Dweller[]>
  /** No island in the tile was smaller when it came: tells at a glance that nothing here fits. */
  smallest: number
}

/**
 * Where the islands that have room are. A tile is a little smaller than reach/√2, so that everybody in one tile touches everybody else:
 * dense places need next to no distance tests.
 */
export class Tiles {
  readonly #tiles = new Map<number, Tile>()
  readonly #present = new Set<Island>()
  readonly #side: number
  readonly #reachSquared: number

  /** @param reach metres at which two peers touch, at least 1 */
  constructor(reach: number) {
    this.#side = reach * 0.7
    this.#reachSquared = reach * reach
  }

  has(island: Island): boolean {
    return this.#present.has(island)
  }

  /** Puts dwellers of an island on the map; those who stand nowhere are left out. */
  add(island: Island, dwellers: Iterable<Dweller>): void {
    this.#present.add(island)
    for (const [key, group] of this.#byTile(dwellers)) {
      const tile = this.#tiles.get(key) ?? { residents: new Map(), smallest: island.size }
      this.#tiles.set(key, tile)
      tile.smallest = Math.min(tile.smallest, island.size)
      const residents = tile.residents.get(island)
      if (residents) for (const dweller of group) residents.push(dweller)
      else tile.residents.set(island, group)
    }
  }

  /** Takes an island off the map. */
  remove(island: Island): void {
    if (!this.#present.delete(island)) return
    for (const key of this.#byTile(island.members).keys()) this.#tiles.get(key)?.residents.delete(island)
  }

  /**
   * The best island on the map that touches one of `dwellers`, has at most `room` members and is not `except`:
   * the favourite, else the first in the order of islands.
   */
  bestContact(dwellers: Iterable<Dweller>, room: number, except: Island, favourite: Island | undefined): Island | undefined {
    let best: Island | undefined
    for (const [key, group] of this.#byTile(dwellers)) {
      for (const tile of this.#around(key)) {
        if (tile.smallest > room) continue
        for (const [island, residents] of tile.residents) {
          if (island === except || island === best || island.size > room) continue
          if (best && !goesFirst(island, best, favourite)) continue
          if (this.#touch(group, residents)) best = island
        }
      }
    }
    return best
  }

  *#around(key: number): Iterable<Tile> {
    for (let east = -SPAN; east <= SPAN; east++) {
      for (let north = -SPAN; north <= SPAN; north++) {
        const tile = this.#tiles.get(key + east * ROW + north)
        if (tile) yield tile
      }
    }
  }

  #touch(some: readonly Dweller[], others: readonly Dweller[]): boolean {
    for (const one of some) for (const other of others) if (squaredDistance(one, other) <= this.#reachSquared) return true
    return false
  }

  #byTile(dwellers: Iterable<Dweller>): Map<number, Dweller[]> {
    const groups = new Map<number, Dweller[]>()
    for (const dweller of dwellers) {
      const key = Math.floor(dweller.x / this.#side) * ROW + Math.floor(dweller.z / this.#side)
      if (Number.isNaN(key)) continue
      const group = groups.get(key)
      if (group) group.push(dweller)
      else groups.set(key, [dweller])
    }
    return groups
  }
}

const goesFirst = (candidate: Island, best: Island, favourite: Island | undefined): boolean =>
  candidate === favourite || (best !== favourite && Island.order(candidate, best) < 0)
