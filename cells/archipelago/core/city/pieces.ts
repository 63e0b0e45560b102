import { int, longer, NONE, real } from './columns.ts'
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
  #strip = new Int32Array(128)
  /** Members not reached yet, strip by strip: where each stands, and who it is. */
  #x = new Float64Array(128)
  #z = new Float64Array(128)
  #member = new Int32Array(128)
  readonly #begin = new Int32Array(STRIPS)
  readonly #end = new Int32Array(STRIPS)
  /** Members reached, in the order in which they were. */
  #reachedX = new Float64Array(128)
  #reachedZ = new Float64Array(128)
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
      .map(({ start, end }) => Array.from(this.#reached.subarray(start, end).sort(), (member) => members[member] as number))
  }

  #fillStrips(island: number, size: number): void {
    const { x, z, next } = this.#peers
    if (size > this.#x.length) this.#grow(size)
    const first = int(this.#islands.first, island)
    let west = Number.POSITIVE_INFINITY
    for (let peer = first; peer !== NONE; peer = int(next, peer)) if (real(x, peer) < west) west = real(x, peer)
    const end = this.#end.fill(0)
    let peer = first
    for (let member = 0; member < size; member++) {
      // Who stands nowhere is in the first strip, and near nobody. Strips beyond the last are part of it: they have no more than to be asked.
      const strip = Math.min(STRIPS - 1, Math.floor((real(x, peer) - west) / this.#reach)) | 0
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
    peer = first
    for (let member = 0; member < size; member++) {
      const strip = int(this.#strip, member)
      const place = int(end, strip)
      end[strip] = place + 1
      this.#x[place] = real(x, peer)
      this.#z[place] = real(z, peer)
      this.#member[place] = member
      peer = int(next, peer)
    }
  }

  /** Reaches everybody whom hops connect with the one reached at `start`. */
  #flood(start: number, size: number): void {
    const reachSquared = this.#reach ** 2
    for (let i = start; i < this.#reachedCount && this.#reachedCount < size; i++) {
      const fromX = real(this.#reachedX, i)
      const fromZ = real(this.#reachedZ, i)
      const strip = int(this.#strip, int(this.#reached, i))
      for (let near = Math.max(0, strip - 1); near <= strip + 1 && near < STRIPS; near++) {
        let end = int(this.#end, near)
        for (let place = int(this.#begin, near); place < end; ) {
          const dx = real(this.#x, place) - fromX
          const dz = real(this.#z, place) - fromZ
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
    this.#reachedX[this.#reachedCount] = real(this.#x, place)
    this.#reachedZ[this.#reachedCount] = real(this.#z, place)
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

  #grow(members: number): void {
    this.#strip = longer(this.#strip, members)
    this.#x = longer(this.#x, members)
    this.#z = longer(this.#z, members)
    this.#member = longer(this.#member, members)
    this.#reachedX = longer(this.#reachedX, members)
    this.#reachedZ = longer(this.#reachedZ, members)
    this.#reached = longer(this.#reached, members)
  }
}
