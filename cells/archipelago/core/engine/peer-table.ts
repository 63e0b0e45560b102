import type { PeerId, Position } from '../../../wire/peer.ts'
import type { MoveCause } from '../islands.ts'
import { grown, int, NONE, real } from './columns.ts'

/** Beyond this many metres from the origin a peer stands nowhere; up to there tiles are exact. */
export const MAX_COORDINATE = 2 ** 30

/** A row per peer; rows of departed peers are used again. */
export class PeerTable {
  readonly #slots = new Map<PeerId, number>()
  readonly #free: number[] = []
  #capacity = 1024

  readonly ids: PeerId[] = []
  /** On the ground; NaN for a peer that stands nowhere: NaN is near nothing (clustering.md §5.8). */
  x = new Float64Array(this.#capacity)
  z = new Float64Array(this.#capacity)
  y = new Float64Array(this.#capacity)
  /** The slot of its island; NONE between its arrival and the flush that places it. */
  island = new Int32Array(this.#capacity)
  /** The members of an island are a list in order of joining; of a newcomer, `next` is its place among the newcomers. */
  next = new Int32Array(this.#capacity)
  previous = new Int32Array(this.#capacity)
  /** A fellow of its island that was within reach of it when one last looked; NONE, or a peer that has left since, for nobody. Never a circle. */
  link = new Int32Array(this.#capacity)
  /** The room it was last told; nothing for a newcomer. */
  readonly reportedRoom: (string | undefined)[] = []
  /** The room it would rather be in (§5.9). */
  readonly preferredRoom: (string | undefined)[] = []
  /** How many have a wish. */
  preferenceCount = 0
  /** What took it out of its room in this flush. */
  readonly cause: (MoveCause | undefined)[] = []

  get count(): number {
    return this.#slots.size
  }

  /** Rows in use or free: every slot is smaller. */
  get rows(): number {
    return this.ids.length
  }

  rowOf(peer: PeerId): number {
    return this.#slots.get(peer) ?? NONE
  }

  add(peer: PeerId): number {
    const slot = this.#free.pop() ?? this.ids.length
    if (slot === this.#capacity) this.#grow()
    this.#slots.set(peer, slot)
    this.ids[slot] = peer
    this.x[slot] = Number.NaN
    this.z[slot] = Number.NaN
    this.island[slot] = NONE
    this.link[slot] = NONE
    this.reportedRoom[slot] = undefined
    this.preferredRoom[slot] = undefined
    this.cause[slot] = undefined
    return slot
  }

  drop(slot: number): void {
    this.setPreferredRoom(slot, '')
    this.#slots.delete(this.idOf(slot))
    this.#free.push(slot)
  }

  idOf(slot: number): PeerId {
    return this.ids[slot] as PeerId
  }

  positionOf(slot: number): Position {
    return { x: real(this.x, slot), y: real(this.y, slot), z: real(this.z, slot) }
  }

  islandOf(slot: number): number {
    return int(this.island, slot)
  }

  /** Takes a step and says whether it was one: height does not count (§5.1), and from nowhere to nowhere is no step. */
  move(slot: number, position: Position): boolean {
    const isSomewhere = Math.abs(position.x) <= MAX_COORDINATE && Math.abs(position.z) <= MAX_COORDINATE
    const x = isSomewhere ? position.x : Number.NaN
    const z = isSomewhere ? position.z : Number.NaN
    this.y[slot] = position.y
    if (isSomewhere ? x === real(this.x, slot) && z === real(this.z, slot) : this.hasNoPosition(slot)) return false
    this.x[slot] = x
    this.z[slot] = z
    return true
  }

  /** Replaces the room a peer would rather be in; `''` clears it (§5.10). */
  setPreferredRoom(slot: number, room: string): void {
    const wish = room === '' ? undefined : room
    this.preferenceCount += Number(wish !== undefined) - Number(this.preferredRoom[slot] !== undefined)
    this.preferredRoom[slot] = wish
  }

  hasNoPosition(slot: number): boolean {
    return Number.isNaN(real(this.x, slot))
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
