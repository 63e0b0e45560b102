import { int, NONE, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { MemberSnapshot } from './member-snapshot.ts'
import type { PeerTable } from './peer-table.ts'

const NO_COMPONENTS: number[][] = []
/** Squares on each side of the board; the outermost go on for ever. */
const SQUARES_PER_SIDE = 16

/**
 * Takes an island apart into the pieces that hops of at most `reach` metres connect (clustering.md §5.3). Each member holds on to another, its
 * anchor, and nobody in a circle; while all but one do, the island is whole, and one look at each of these hops has shown it. Those who are
 * torn off look for another hop around them, on a board of squares as wide as the reach. Members go by numbers: places in the lineup, from 0.
 */
export class Splitting {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #lineup: MemberSnapshot
  readonly #reachSquared: number
  /** Squares of the board per metre: a hair less than one per reach, so that nobody reaches further than to the next. */
  readonly #perMetre: number
  /** By number: another whom hops connect it with, and so on up to the root of all of them, who has itself. */
  #root = new Int32Array(128)
  /** By root: how many have it. */
  #followers = new Int32Array(128)
  #square = new Int32Array(128)
  /** Members square by square, column by column: where each stands, and its number. */
  #x = new Float64Array(128)
  #z = new Float64Array(128)
  #number = new Int32Array(128)
  /** By square, from 1 on: where its members end and, so, those of the next begin. */
  readonly #end = new Int32Array(SQUARES_PER_SIDE ** 2 + 1)

  /** @param lineup taken since anybody joined or left an island */
  constructor(peers: PeerTable, islands: IslandTable, lineup: MemberSnapshot, reach: number) {
    this.#peers = peers
    this.#islands = islands
    this.#lineup = lineup
    this.#reachSquared = reach ** 2
    this.#perMetre = 0.99999 / reach
  }

  /** Lets members let go of anchors that are out of reach or have left, and says how many hold on to nobody: 1 means that the island is whole. */
  dropBrokenLinks(island: number): number {
    const { x, z, link, peer, indexOf } = this.#lineup
    const start = this.#lineup.startOf(island)
    const end = this.#lineup.endOf(island)
    if (end - start > this.#root.length) this.#grow(end - start)
    const reachSquared = this.#reachSquared
    let loose = 0
    for (let place = start; place < end; place++) {
      const number = place - start
      this.#root[number] = number
      const held = int(link, place)
      if (held !== NONE) {
        const other = int(indexOf, held)
        if (other >= start && other < end && int(peer, other) === held) {
          const dx = real(x, other) - real(x, place)
          const dz = real(z, other) - real(z, place)
          if (dx * dx + dz * dz <= reachSquared) {
            this.#root[number] = other - start
            continue
          }
        }
        this.#peers.link[int(peer, place)] = NONE
      }
      loose++
    }
    return loose
  }

  /** The pieces other than the one that keeps the island: the largest, of equals the one met first (§5.4). Nothing when it is whole. */
  detachedComponents(island: number): number[][] {
    const loose = this.dropBrokenLinks(island)
    if (loose === 1) return NO_COMPONENTS
    const start = this.#lineup.startOf(island)
    const size = this.#lineup.endOf(island) - start
    this.#setUp(start, size)
    return this.#tie(start, size, loose) === 1 ? NO_COMPONENTS : this.#collect(island, start, size)
  }

  /** Puts the members on the board. */
  #setUp(start: number, size: number): void {
    const { x, z } = this.#lineup
    let west = Number.POSITIVE_INFINITY
    let south = Number.POSITIVE_INFINITY
    for (let place = start; place < start + size; place++) {
      if (real(x, place) < west) west = real(x, place)
      if (real(z, place) < south) south = real(z, place)
    }
    const squareOf = this.#square
    const end = this.#end.fill(0)
    for (let one = 0; one < size; one++) {
      // Who stands nowhere is put on the first square, and is near nobody there either.
      const column = Math.min(SQUARES_PER_SIDE - 1, ((real(x, start + one) - west) * this.#perMetre) | 0)
      const row = Math.min(SQUARES_PER_SIDE - 1, ((real(z, start + one) - south) * this.#perMetre) | 0)
      const square = column * SQUARES_PER_SIDE + row + 1
      squareOf[one] = square
      end[square] = int(end, square) + 1
    }
    let begin = 0
    for (let square = 1; square < end.length; square++) {
      const count = int(end, square)
      end[square] = begin
      begin += count
    }
    for (let one = 0; one < size; one++) {
      const square = int(squareOf, one)
      const at = int(end, square)
      end[square] = at + 1
      this.#x[at] = real(x, start + one)
      this.#z[at] = real(z, start + one)
      this.#number[at] = one
    }
  }

  /** Ties those who were torn off to whomever they reach, and says into how many pieces the island falls all the same. */
  #tie(start: number, size: number, loose: number): number {
    const most = this.#findRoots(size)
    let pieces = loose
    for (let one = 0; one < size; one++) {
      // Whoever hangs together with the most needs no other hop; of all others every hop is looked at.
      if (int(this.#root, one) === most || this.#rootOf(one) === most) continue
      pieces -= this.#tieToAllAround(one, start, most)
      if (pieces === 1) return 1
    }
    return pieces
  }

  /** Finds out whom hops still hold together, and answers the root that most follow: it stays one, for only others are tied to it. */
  #findRoots(size: number): number {
    const followers = this.#followers.fill(0, 0, size)
    let most = 0
    for (let one = 0; one < size; one++) {
      const root = this.#rootOf(one)
      this.#root[one] = root
      const count = int(followers, root) + 1
      followers[root] = count
      if (count > int(followers, most)) most = root
    }
    return most
  }

  #rootOf(one: number): number {
    const root = this.#root
    let at = one
    for (let above = int(root, at); above !== at; above = int(root, at)) {
      const next = int(root, above)
      root[at] = next
      at = next
    }
    return at
  }

  /** Ties somebody to all within reach with whom it did not hang together, until it hangs together with the most; says how often it did. */
  #tieToAllAround(one: number, start: number, most: number): number {
    const { x, z, peer } = this.#lineup
    const reachSquared = this.#reachSquared
    const fromX = real(x, start + one)
    const fromZ = real(z, start + one)
    const square = int(this.#square, one)
    const row = (square - 1) % SQUARES_PER_SIDE
    const [below, above] = [row === 0 ? 0 : 1, row === SQUARES_PER_SIDE - 1 ? 0 : 1]
    const lastColumn = Math.min(square + SQUARES_PER_SIDE, SQUARES_PER_SIDE * (SQUARES_PER_SIDE - 1) + row + 1)
    let own = this.#rootOf(one)
    let ties = 0
    // The squares above and below in a column lie beside it.
    for (
      let beside = square > SQUARES_PER_SIDE ? square - SQUARES_PER_SIDE : square;
      beside <= lastColumn;
      beside += SQUARES_PER_SIDE
    ) {
      const end = int(this.#end, beside + above)
      for (let at = int(this.#end, beside - below - 1); at < end; at++) {
        const east = real(this.#x, at) - fromX
        const north = real(this.#z, at) - fromZ
        if (!(east * east + north * north <= reachSquared)) continue
        const other = int(this.#number, at)
        const root = this.#rootOf(other)
        if (root === own) continue
        this.#root[own] = root
        this.#followers[root] = int(this.#followers, root) + int(this.#followers, own)
        this.#hold(int(peer, start + one), int(peer, start + other))
        ties++
        own = root
        if (root === most) return ties
      }
    }
    return ties
  }

  /** Lets a peer hold on to one it did not hang together with, and whoever it held on to before hold on to it. */
  #hold(peer: number, anchor: number): void {
    let below = anchor
    for (let at = peer; at !== NONE; ) {
      const above = int(this.#peers.link, at)
      this.#peers.link[at] = below
      below = at
      at = above
    }
  }

  #collect(island: number, start: number, size: number): number[][] {
    const keeper = this.#keeperOf(island, size)
    const roots: number[] = []
    const pieces: number[][] = []
    for (let one = 0; one < size; one++) {
      const root = this.#rootOf(one)
      if (root === keeper) continue
      let piece = roots.indexOf(root)
      if (piece < 0) {
        piece = roots.push(root) - 1
        pieces.push([])
      }
      pieces[piece]?.push(int(this.#lineup.peer, start + one))
    }
    return pieces
  }

  /** The root of the piece that keeps the island. */
  #keeperOf(island: number, size: number): number {
    let keeper = NONE
    let isTied = false
    for (let one = 0; one < size; one++) {
      if (int(this.#root, one) !== one) continue
      const lead = keeper === NONE ? 1 : int(this.#followers, one) - int(this.#followers, keeper)
      if (lead > 0) keeper = one
      isTied = lead === 0 || (isTied && lead < 0)
    }
    return isTied ? this.#metFirst(island, int(this.#followers, keeper)) : keeper
  }

  /** Of the roots of pieces of a size, that of whoever joined first. */
  #metFirst(island: number, followers: number): number {
    const { indexOf } = this.#lineup
    const start = this.#lineup.startOf(island)
    for (let peer = int(this.#islands.first, island); peer !== NONE; peer = int(this.#peers.next, peer)) {
      const root = this.#rootOf(int(indexOf, peer) - start)
      if (int(this.#followers, root) === followers) return root
    }
    return NONE
  }

  #grow(members: number): void {
    this.#root = new Int32Array(members)
    this.#followers = new Int32Array(members)
    this.#square = new Int32Array(members)
    this.#x = new Float64Array(members)
    this.#z = new Float64Array(members)
    this.#number = new Int32Array(members)
  }
}
