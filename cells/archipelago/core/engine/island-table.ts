import { grown, int, NONE } from './columns.ts'
import type { PeerTable } from './peer-table.ts'
import { RowList } from './stack.ts'

/** A row per island, each with the list of its members; rows of dissolved islands are used again. */
export class IslandTable {
  readonly #peers: PeerTable
  readonly #byId = new Map<string, number>()
  readonly #free: number[] = []
  #capacity = 1024
  #rows = 0
  #founded = 0

  /** Nothing until the flush that founded it ends, so that no id is spent on an island that does not last (clustering.md §5.11). */
  readonly ids: (string | undefined)[] = []
  size = new Int32Array(this.#capacity)
  /** Seats that nobody else can have: those of the members, and those kept for peers that an earlier engine put here and that did not speak yet. */
  seatsTaken = new Int32Array(this.#capacity)
  /** Order of creation: smaller is older. */
  serial = new Int32Array(this.#capacity)
  first = new Int32Array(this.#capacity)
  last = new Int32Array(this.#capacity)
  /** 1 for an island in which somebody stepped, came or left since it was last looked at: only these can fall apart or meet others. */
  isDirty = new Int32Array(this.#capacity)
  /** The islands that are stirred, and some that were and are no more. */
  readonly dirty = new RowList()

  constructor(peers: PeerTable) {
    this.#peers = peers
  }

  /** Every slot is smaller; a row of size 0 is free. */
  get rows(): number {
    return this.#rows
  }

  get rowsById(): ReadonlyMap<string, number> {
    return this.#byId
  }

  rowOf(id: string): number {
    return this.#byId.get(id) ?? NONE
  }

  create(): number {
    const slot = this.#free.pop() ?? this.#rows++
    if (slot === this.#capacity) this.#grow()
    this.ids[slot] = undefined
    this.size[slot] = 0
    this.seatsTaken[slot] = 0
    this.serial[slot] = this.#founded++
    this.first[slot] = NONE
    this.last[slot] = NONE
    this.isDirty[slot] = 0
    this.markDirty(slot)
    return slot
  }

  assignId(slot: number, id: string): void {
    this.ids[slot] = id
    this.#byId.set(id, slot)
  }

  markDirty(slot: number): void {
    if (int(this.isDirty, slot) === 1) return
    this.isDirty[slot] = 1
    this.dirty.push(slot)
  }

  /** Whether a goes before b: bigger comes first; among equals the older (§5.5). */
  outranks(a: number, b: number): boolean {
    const difference = int(this.size, a) - int(this.size, b)
    return difference > 0 || (difference === 0 && int(this.serial, a) < int(this.serial, b))
  }

  /** In order of joining. */
  membersOf(slot: number): number[] {
    const members: number[] = []
    for (let peer = int(this.first, slot); peer !== NONE; peer = int(this.#peers.next, peer)) members.push(peer)
    return members
  }

  join(slot: number, peer: number): void {
    const { next, previous, island } = this.#peers
    const last = int(this.last, slot)
    island[peer] = slot
    next[peer] = NONE
    previous[peer] = last
    if (last === NONE) this.first[slot] = peer
    else next[last] = peer
    this.last[slot] = peer
    this.size[slot] = int(this.size, slot) + 1
    this.seatsTaken[slot] = int(this.seatsTaken, slot) + 1
    this.markDirty(slot)
  }

  /** Takes a peer out of its island, and the island off the map when that was the last one (§5.14). */
  leave(peer: number): void {
    const { next, previous, island } = this.#peers
    const slot = int(island, peer)
    const before = int(previous, peer)
    const after = int(next, peer)
    if (before === NONE) this.first[slot] = after
    else next[before] = after
    if (after === NONE) this.last[slot] = before
    else previous[after] = before
    island[peer] = NONE
    const size = int(this.size, slot) - 1
    this.size[slot] = size
    this.seatsTaken[slot] = int(this.seatsTaken, slot) - 1
    if (size === 0) this.#dissolve(slot)
    else this.markDirty(slot)
  }

  /** Takes all members of another island in, which is no more. */
  absorb(slot: number, other: number): void {
    const { next, previous, island } = this.#peers
    const first = int(this.first, other)
    const last = int(this.last, slot)
    for (let peer = first; peer !== NONE; peer = int(next, peer)) island[peer] = slot
    next[last] = first
    previous[first] = last
    this.last[slot] = int(this.last, other)
    this.size[slot] = int(this.size, slot) + int(this.size, other)
    this.seatsTaken[slot] = int(this.seatsTaken, slot) + int(this.size, other)
    this.size[other] = 0
    this.markDirty(slot)
    this.#dissolve(other)
  }

  #dissolve(slot: number): void {
    const id = this.ids[slot]
    if (id !== undefined) this.#byId.delete(id)
    this.ids[slot] = undefined
    this.isDirty[slot] = 0
    this.#free.push(slot)
  }

  #grow(): void {
    this.#capacity *= 2
    this.size = grown(this.size, this.#capacity)
    this.seatsTaken = grown(this.seatsTaken, this.#capacity)
    this.serial = grown(this.serial, this.#capacity)
    this.first = grown(this.first, this.#capacity)
    this.last = grown(this.last, this.#capacity)
    this.isDirty = grown(this.isDirty, this.#capacity)
  }
}
