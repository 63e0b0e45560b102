import type { PeerId, Position } from '../../../wire/peer.ts'
import type { MoveCause } from '../islands.ts'
import { FIRST_ROWS, grown, int, NONE, real } from './columns.ts'

/** A position farther from the origin than this, in metres, counts as none; up to there tiles are exact. */
export const MAX_COORDINATE = 2 ** 30

/** A row per peer; the rows of removed peers are used again. */
export class PeerTable {
  readonly #rowsById = new Map<PeerId, number>()
  readonly #free: number[] = []
  #capacity = FIRST_ROWS

  readonly ids: PeerId[] = []
  /** On the ground; NaN for a peer without a usable position, because NaN is near nothing (clustering.md §5.8). */
  x = new Float64Array(this.#capacity)
  z = new Float64Array(this.#capacity)
  y = new Float64Array(this.#capacity)
  /** The row of its island; NONE between its arrival and the flush that places it. */
  island = new Int32Array(this.#capacity)
  /**
   * Doubly linked list of the members of an island, in the order of joining; before a peer is placed, `next` is its index among
   * the arrivals.
   */
  next = new Int32Array(this.#capacity)
  previous = new Int32Array(this.#capacity)
  /**
   * A member of its island that was within reach at the last check, or NONE; that peer may have left since. Links never form a
   * cycle.
   */
  link = new Int32Array(this.#capacity)
  /** The room of its last move in the result of a flush, or the one it was restored to; undefined for a peer that arrived. */
  readonly reportedRoom: (string | undefined)[] = []
  /** The preferred island (§5.9). */
  readonly preferredRoom: (string | undefined)[] = []
  /** Number of peers with a preferred island. */
  preferenceCount = 0
  /** Why it leaves its room in this flush; undefined if it does not. */
  readonly cause: (MoveCause | undefined)[] = []

  get count(): number {
    return this.#rowsById.size
  }

  /** Number of rows, in use or free. */
  get rows(): number {
    return this.ids.length
  }

  rowOf(peer: PeerId): number {
    return this.#rowsById.get(peer) ?? NONE
  }

  add(peer: PeerId): number {
    const row = this.#free.pop() ?? this.ids.length
    if (row === this.#capacity) this.#grow()
    this.#rowsById.set(peer, row)
    this.ids[row] = peer
    this.x[row] = Number.NaN
    this.z[row] = Number.NaN
    this.island[row] = NONE
    this.link[row] = NONE
    this.reportedRoom[row] = undefined
    this.preferredRoom[row] = undefined
    this.cause[row] = undefined
    return row
  }

  drop(row: number): void {
    this.setPreferredRoom(row, '')
    this.#rowsById.delete(this.idOf(row))
    this.#free.push(row)
  }

  idOf(row: number): PeerId {
    return this.ids[row] as PeerId
  }

  positionOf(row: number): Position {
    return { x: real(this.x, row), y: real(this.y, row), z: real(this.z, row) }
  }

  islandOf(row: number): number {
    return int(this.island, row)
  }

  /**
   * Sets the position and returns whether it changed on the ground: height does not count (§5.1), and neither does one unusable
   * position after another.
   */
  move(row: number, position: Position): boolean {
    const isUsable = Math.abs(position.x) <= MAX_COORDINATE && Math.abs(position.z) <= MAX_COORDINATE
    const x = isUsable ? position.x : Number.NaN
    const z = isUsable ? position.z : Number.NaN
    this.y[row] = position.y
    if (isUsable ? x === real(this.x, row) && z === real(this.z, row) : this.hasNoPosition(row)) return false
    this.x[row] = x
    this.z[row] = z
    return true
  }

  /** Replaces the preferred island; `''` clears it (§5.10). */
  setPreferredRoom(row: number, room: string): void {
    const preferred = room === '' ? undefined : room
    this.preferenceCount += Number(preferred !== undefined) - Number(this.preferredRoom[row] !== undefined)
    this.preferredRoom[row] = preferred
  }

  hasNoPosition(row: number): boolean {
    return Number.isNaN(real(this.x, row))
  }

  #grow(): void {
    this.#capacity *= 2
    this.x = grown(this.x, this.#capacity)
    this.y = grown(this.y, this.#capacity)
    this.z = grown(this.z, this.#capacity)
    this.island = grown(this.island, this.#capacity)
    this.next = grown(this.next, this.#capacity)
    this.previous = grown(this.previous, this.#capacity)
    this.link = grown(this.link, this.#capacity)
  }
}
