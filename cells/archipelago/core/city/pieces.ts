import { int, longer, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

const WHOLE: number[][] = []
const STRIPS = 64

/** Those that hops connect: places in the order in which they were reached. */
interface Piece {
  start: number
  end: number
  /** The one of them that joined the island first. */
  firstMet: number
}

const goesBefore = (a: Piece, b: Piece): boolean =>
  a.end - a.start > b.end - b.start || (a.end - a.start === b.end - b.start && a.firstMet < b.firstMet)

/**
 * Takes an island apart into the pieces that hops of at most `reach` metres connect (clustering.md §5.3), by flooding it. Its members stand in
 * strips as wide as the reach, so that each of them need only ask the strip it is in and the two beside it.
 */
export class Pieces {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #reach: number
  /** Members, by when they joined. */
  #memberX = new Float64Array(128)
  #memberZ = new Float64Array(128)
  #strip = new Int32Array(128)
  /** Members not reached yet, strip by strip: where each stands, and who it is. */
  #x = new Float64Array(128)
  #z = new Float64Array(128)
  #member = new Int32Array(128)
  readonly #begin = new Int32Array(STRIPS)
  readonly #end = new Int32Array(STRIPS)
  /** Members reached, in the order in which they were. */
  #reached = new Int32Array(128)
  #reachedCount = 0

  constructor(peers: PeerTable, islands: IslandTable, reach: number) {
    this.#peers = peers
    this.#islands = islands
    this.#reach = reach
  }

  /** The pieces other than the one that keeps the island: the largest, of equals the one met first (§5.4). Nothing when it is whole. */
  brokenOff(island: number): number[][] {
    const size = int(this.#islands.size, island)
    this.#fillStrips(island, size)
    this.#reachedCount = 0
    const pieces: Piece[] = []
    for (let strip = 0; strip < STRIPS; strip++) {
      while (int(this.#end, strip) > int(this.#begin, strip)) {
        const start = this.#reachedCount
        this.#take(strip, int(this.#begin, strip))
        this.#flood(start, size)
        if (this.#reachedCount - start === size) return WHOLE
        pieces.push(this.#piece(start))
      }
    }
    const largest = pieces.reduce((best, piece) => (goesBefore(piece, best) ? piece : best))
    const members = this.#islands.membersOf(island)
    return pieces
      .filter((piece) => piece !== largest)
      .sort((a, b) => a.firstMet - b.firstMet)
      .map((piece) => this.#membersIn(piece).map((member) => members[member] as number))
  }

  #fillStrips(island: number, size: number): void {
    const { x, z, next } = this.#peers
    if (size > this.#x.length) this.#grow(size)
    const end = this.#end.fill(0)
    let peer = int(this.#islands.first, island)
    for (let member = 0; member < size; member++) {
      const here = real(x, peer)
      // Strips repeat after some kilometres, which costs a few vain questions; who stands nowhere is in the first, and near nobody.
      const strip = Math.floor(here / this.#reach) & (STRIPS - 1)
      this.#memberX[member] = here
      this.#memberZ[member] = real(z, peer)
      this.#strip[member] = strip
      end[strip] = int(end, strip) + 1
      peer = int(next, peer)
    }
    let begin = 0
    for (let strip = 0; strip < STRIPS; strip++) {
      const count = int(end, strip)
      this.#begin[strip] = begin
      end[strip] = begin
      begin += count
    }
    for (let member = 0; member < size; member++) {
      const strip = int(this.#strip, member)
      const place = int(end, strip)
      end[strip] = place + 1
      this.#x[place] = real(this.#memberX, member)
      this.#z[place] = real(this.#memberZ, member)
      this.#member[place] = member
    }
  }

  /** Reaches everybody whom hops connect with the one reached at `start`. */
  #flood(start: number, size: number): void {
    const x = this.#x
    const z = this.#z
    const reachSquared = this.#reach ** 2
    for (let i = start; i < this.#reachedCount && this.#reachedCount < size; i++) {
      const reached = int(this.#reached, i)
      const fromX = real(this.#memberX, reached)
      const fromZ = real(this.#memberZ, reached)
      const strip = int(this.#strip, reached)
      for (let beside = -1; beside <= 1; beside++) {
        const near = (strip + beside) & (STRIPS - 1)
        let end = int(this.#end, near)
        for (let place = int(this.#begin, near); place < end; ) {
          const dx = real(x, place) - fromX
          const dz = real(z, place) - fromZ
          if (dx * dx + dz * dz <= reachSquared) {
            this.#take(near, place)
            end--
          } else place++
        }
      }
    }
  }

  /** Takes a member out of its strip: it is reached. */
  #take(strip: number, place: number): void {
    const last = int(this.#end, strip) - 1
    this.#end[strip] = last
    this.#reached[this.#reachedCount++] = int(this.#member, place)
    this.#x[place] = real(this.#x, last)
    this.#z[place] = real(this.#z, last)
    this.#member[place] = int(this.#member, last)
  }

  #piece(start: number): Piece {
    let firstMet = int(this.#reached, start)
    for (let i = start; i < this.#reachedCount; i++) firstMet = Math.min(firstMet, int(this.#reached, i))
    return { start, end: this.#reachedCount, firstMet }
  }

  #membersIn({ start, end, firstMet }: Piece): number[] {
    if (end - start === 1) return [firstMet]
    return Array.from(this.#reached.subarray(start, end)).sort((a, b) => a - b)
  }

  #grow(members: number): void {
    this.#strip = longer(this.#strip, members)
    this.#x = longer(this.#x, members)
    this.#z = longer(this.#z, members)
    this.#member = longer(this.#member, members)
    this.#memberX = longer(this.#memberX, members)
    this.#memberZ = longer(this.#memberZ, members)
    this.#reached = longer(this.#reached, members)
  }
}
