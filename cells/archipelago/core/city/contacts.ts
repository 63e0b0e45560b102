import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'
import { Stack } from './stack.ts'
import type { Tiles } from './tiles.ts'
import { favouriteOf } from './wishes.ts'

const RANKS = 2 ** 22
/** Puts the contacts that are wished for before all others. */
const WISHED = RANKS ** 2

/** Islands that touch and fit, and in which somebody stirred, in the order in which they are to be merged. */
export class Contacts {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #tiles: Tiles
  readonly #maxPeers: number
  readonly #ones = new Stack()
  readonly #others = new Stack()
  /** By island: the last one whose contact with it was noted or ruled out. */
  #settled = new Int32Array(0)

  constructor(peers: PeerTable, islands: IslandTable, tiles: Tiles, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#tiles = tiles
    this.#maxPeers = maxPeers
  }

  /**
   * Pairs of islands, the first of each going before the second: contacts an island wishes for come first (clustering.md §5.9), then those
   * of the biggest, among equals of the oldest, so that the order of arrival does not matter where size decides.
   */
  inOrder(): readonly (readonly [number, number])[] {
    this.#collect()
    if (this.#ones.length === 0) return []
    const ranked = this.#ranked()
    const rank = new Int32Array(this.#islands.rows)
    for (const [i, island] of ranked.entries()) rank[island] = i
    const keys = new Float64Array(this.#ones.length)
    for (let i = 0; i < keys.length; i++) {
      const one = int(rank, this.#ones.at(i))
      const other = int(rank, this.#others.at(i))
      keys[i] = Math.min(one, other) * RANKS + Math.max(one, other)
    }
    if (this.#peers.wishes > 0) this.#preferWished(keys, ranked)
    return Array.from(keys.sort(), (key) => {
      const contact = key < 0 ? key + WISHED : key
      return [ranked[Math.floor(contact / RANKS)] as number, ranked[contact % RANKS] as number] as const
    })
  }

  /** Two islands that fit include one that fills at most half a room: only what those touch needs to be looked at. */
  #collect(): void {
    const { rows } = this.#islands
    const tiles = this.#tiles
    this.#ones.clear()
    this.#others.clear()
    if (this.#settled.length < rows) this.#settled = new Int32Array(rows * 2)
    this.#settled.fill(NONE)
    for (let presence = 0; presence < tiles.presences; presence++) {
      const island = int(tiles.island, presence)
      if (int(this.#islands.taken, island) * 2 > this.#maxPeers) continue
      tiles.lookAround(int(tiles.tile, presence))
      for (let i = 0; i < tiles.aroundCount; i++) {
        const there = int(tiles.around, i)
        for (let other = tiles.firstIn(there); other !== NONE; other = int(tiles.next, other)) {
          if (this.#mayMeet(island, int(tiles.island, other)) && tiles.touch(presence, other))
            this.#note(island, int(tiles.island, other))
        }
      }
    }
  }

  /** Asked once of each two islands that do not fit or met already; whether they touch is asked for each of their presences. */
  #mayMeet(small: number, other: number): boolean {
    if (int(this.#settled, other) === small) return false
    const { isStirred, taken } = this.#islands
    const seats = int(taken, other)
    const fits = int(taken, small) + seats <= this.#maxPeers && small !== other
    const hasNews = int(isStirred, small) === 1 || int(isStirred, other) === 1
    // Of two small ones each will find the other; once is enough.
    if (fits && hasNews && (seats * 2 > this.#maxPeers || small < other)) return true
    this.#settled[other] = small
    return false
  }

  #note(one: number, other: number): void {
    this.#settled[other] = one
    this.#ones.push(one)
    this.#others.push(other)
  }

  #ranked(): number[] {
    const ranked: number[] = []
    // The marks of the collection are not needed any more.
    const isRanked = this.#settled.fill(0)
    for (const stack of [this.#ones, this.#others]) {
      for (let i = 0; i < stack.length; i++) {
        const island = stack.at(i)
        if (int(isRanked, island) === 0) ranked.push(island)
        isRanked[island] = 1
      }
    }
    return ranked.sort((a, b) => (this.#islands.goesBefore(a, b) ? -1 : 1))
  }

  #preferWished(keys: Float64Array, ranked: readonly number[]): void {
    const favourites = ranked.map((island) => favouriteOf(island, this.#peers, this.#islands))
    for (const [i, key] of keys.entries()) {
      if (favourites[key % RANKS] === ranked[Math.floor(key / RANKS)]) keys[i] = key - WISHED
    }
  }
}
