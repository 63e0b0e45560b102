import type { PeerId, Position } from '../../../wire/peer.ts'
import type { MoveCause } from '../islands.ts'
import { int, longer, NONE, real } from './columns.ts'

/** Beyond this many metres from the origin a peer stands nowhere; up to there tiles are exact. */
export const WORLD_EDGE = 2 ** 30

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
  anchor = new Int32Array(this.#capacity)
  /** The room it was last told; nothing for a newcomer. */
  readonly told: (string | undefined)[] = []
  /** The room it would rather be in (§5.9). */
  readonly wish: (string | undefined)[] = []
  /** How many have a wish. */
  wishes = 0
  /** What took it out of its room in this flush. */
  readonly cause: (MoveCause | undefined)[] = []

  get count(): number {
    return this.#slots.size
  }

  /** Rows in use or free: every slot is smaller. */
  get rows(): number {
    return this.ids.length
  }

  slotOf(peer: PeerId): number {
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
    this.anchor[slot] = NONE
    this.told[slot] = undefined
    this.wish[slot] = undefined
    this.cause[slot] = undefined
    return slot
  }

  drop(slot: number): void {
    this.setWish(slot, '')
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
  step(slot: number, position: Position): boolean {
    const isSomewhere = Math.abs(position.x) <= WORLD_EDGE && Math.abs(position.z) <= WORLD_EDGE
    const x = isSomewhere ? position.x : Number.NaN
    const z = isSomewhere ? position.z : Number.NaN
    this.y[slot] = position.y
    if (isSomewhere ? x === real(this.x, slot) && z === real(this.z, slot) : this.standsNowhere(slot)) return false
    this.x[slot] = x
    this.z[slot] = z
    return true
  }

  /** Replaces the room a peer would rather be in; `''` clears it (§5.10). */
  setWish(slot: number, room: string): void {
    const wish = room === '' ? undefined : room
    this.wishes += Number(wish !== undefined) - Number(this.wish[slot] !== undefined)
    this.wish[slot] = wish
  }

  standsNowhere(slot: number): boolean {
    return Number.isNaN(real(this.x, slot))
  }

  #grow(): void {
    this.#capacity *= 2
    this.x = longer(this.x, this.#capacity)
    this.y = longer(this.y, this.#capacity)
    this.z = longer(this.z, this.#capacity)
    this.island = longer(this.island, this.#capacity)
    this.next = longer(this.next, this.#capacity)
    this.previous = longer(this.previous, this.#capacity)
    this.anchor = longer(this.anchor, this.#capacity)
  }
}
