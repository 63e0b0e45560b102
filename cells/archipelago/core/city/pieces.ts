import { int, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

const WHOLE: number[][] = []

/** A run of those reached, and the earliest member among them. */
interface Piece {
  start: number
  end: number
  firstMet: number
}

const goesBefore = (a: Piece, b: Piece): boolean =>
  a.end - a.start > b.end - b.start || (a.end - a.start === b.end - b.start && a.firstMet < b.firstMet)

/**
 * Takes an island apart into the pieces that hops of at most `reach` metres connect (clustering.md §5.3), by flooding it from its middle:
 * in a crowd that single glance reaches everybody.
 */
export class Pieces {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #reachSquared: number
  /** The island at hand: first those reached, then those not; `#member` is a peer's place in the list of members. */
  #x = new Float64Array(128)
  #z = new Float64Array(128)
  #member = new Int32Array(128)

  constructor(peers: PeerTable, islands: IslandTable, reach: number) {
    this.#peers = peers
    this.#islands = islands
    this.#reachSquared = reach * reach
  }

  /** The pieces other than the one that keeps the island: the largest, of equals the one met first (§5.4). Nothing when it is whole. */
  brokenOff(island: number): number[][] {
    const size = this.#gather(island)
    this.#startInTheMiddle(size)
    let reached = this.#flood(0, size)
    if (reached === size) return WHOLE
    const pieces = [this.#piece(0, reached)]
    while (reached < size) {
      const start = reached
      reached = this.#flood(start, size)
      pieces.push(this.#piece(start, reached))
    }
    const largest = pieces.reduce((best, piece) => (goesBefore(piece, best) ? piece : best))
    const members = this.#islands.membersOf(island)
    return pieces
      .filter((piece) => piece !== largest)
      .sort((a, b) => a.firstMet - b.firstMet)
      .map((piece) => this.#peersOf(piece, members))
  }

  #gather(island: number): number {
    const { x, z, next } = this.#peers
    const size = int(this.#islands.size, island)
    if (size > this.#x.length) {
      this.#x = new Float64Array(size)
      this.#z = new Float64Array(size)
      this.#member = new Int32Array(size)
    }
    let peer = int(this.#islands.first, island)
    for (let i = 0; i < size; i++) {
      this.#x[i] = real(x, peer)
      this.#z[i] = real(z, peer)
      this.#member[i] = i
      peer = int(next, peer)
    }
    return size
  }

  #startInTheMiddle(size: number): void {
    const x = this.#x
    const z = this.#z
    let middleX = 0
    let middleZ = 0
    for (let i = 0; i < size; i++) {
      middleX += real(x, i) / size
      middleZ += real(z, i) / size
    }
    let best = 0
    let nearest = Number.POSITIVE_INFINITY
    for (let i = 0; i < size; i++) {
      const distance = (real(x, i) - middleX) ** 2 + (real(z, i) - middleZ) ** 2
      if (distance < nearest) {
        nearest = distance
        best = i
      }
    }
    this.#swap(0, best)
  }

  /**
   * Moves everybody whom hops connect with the one at `start` in front of those they do not, and says where these begin. Those at the end of
   * the first hops are asked first: they see the farthest.
   */
  #flood(start: number, size: number): number {
    const x = this.#x
    const z = this.#z
    const reachSquared = this.#reachSquared
    let reached = start + 1
    let far = start + 1
    for (let i = start; i < reached && reached < size; i++) {
      const fromX = real(x, i)
      const fromZ = real(z, i)
      for (let other = reached; other < size; other++) {
        const dx = real(x, other) - fromX
        const dz = real(z, other) - fromZ
        const squared = dx * dx + dz * dz
        if (!(squared <= reachSquared)) continue
        this.#swap(other, reached)
        if (i === start && squared * 2 > reachSquared) this.#swap(reached, far++)
        reached++
      }
    }
    return reached
  }

  #piece(start: number, end: number): Piece {
    let firstMet = int(this.#member, start)
    for (let i = start; i < end; i++) firstMet = Math.min(firstMet, int(this.#member, i))
    return { start, end, firstMet }
  }

  #peersOf({ start, end }: Piece, members: readonly number[]): number[] {
    return Array.from(this.#member.subarray(start, end).sort(), (member) => members[member] as number)
  }

  #swap(a: number, b: number): void {
    const x = real(this.#x, a)
    const z = real(this.#z, a)
    const member = int(this.#member, a)
    this.#x[a] = real(this.#x, b)
    this.#z[a] = real(this.#z, b)
    this.#member[a] = int(this.#member, b)
    this.#x[b] = x
    this.#z[b] = z
    this.#member[b] = member
  }
}
