import type { PeerId } from '../../../wire/peer.ts'
import type { IslandSummary } from '../islands.ts'
import { FIRST_ROWS, grown, int, NONE, RowList, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** A row per island, each with the list of its members; the rows of removed islands are used again. */
export class IslandTable {
  readonly #peers: PeerTable
  readonly #byId = new Map<string, number>()
  readonly #free: number[] = []
  #capacity = FIRST_ROWS
  #rows = 0
  #created = 0

  /**
   * Undefined until the end of the flush that created the island, so that no id is spent on one that does not last (clustering.md
   * §5.11).
   */
  readonly ids: (string | undefined)[] = []
  size = new Int32Array(this.#capacity)
  /** Seats of the members, and seats reserved for restored peers that have not sent a heartbeat yet. */
  seatsTaken = new Int32Array(this.#capacity)
  /** Numbered in the order of creation: smaller is older. */
  serial = new Int32Array(this.#capacity)
  first = new Int32Array(this.#capacity)
  last = new Int32Array(this.#capacity)
  /**
   * 1 for an island in which a peer moved, joined or left since the last flush: only these can become disconnected or meet
   * others.
   */
  isDirty = new Int32Array(this.#capacity)
  /** The dirty islands, and some rows that were dirty and are no longer: `isDirty` decides. */
  readonly dirty = new RowList()

  constructor(peers: PeerTable) {
    this.#peers = peers
  }

  /** Number of rows, in use or free; a row of size 0 is free. */
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
    const row = this.#free.pop() ?? this.#rows++
    if (row === this.#capacity) this.#grow()
    this.ids[row] = undefined
    this.size[row] = 0
    this.seatsTaken[row] = 0
    this.serial[row] = this.#created++
    this.first[row] = NONE
    this.last[row] = NONE
    this.isDirty[row] = 0
    this.markDirty(row)
    return row
  }

  assignId(row: number, id: string): void {
    this.ids[row] = id
    this.#byId.set(id, row)
  }

  markDirty(row: number): void {
    if (int(this.isDirty, row) === 1) return
    this.isDirty[row] = 1
    this.dirty.push(row)
  }

  /** Whether a has more members than b, or as many and is older (§5.5). */
  outranks(a: number, b: number): boolean {
    const difference = int(this.size, a) - int(this.size, b)
    return difference > 0 || (difference === 0 && int(this.serial, a) < int(this.serial, b))
  }

  /** In order of joining. */
  membersOf(row: number): number[] {
    const members: number[] = []
    for (let peer = int(this.first, row); peer !== NONE; peer = int(this.#peers.next, peer)) members.push(peer)
    return members
  }

  join(row: number, peer: number): void {
    const { next, previous, island } = this.#peers
    const last = int(this.last, row)
    island[peer] = row
    next[peer] = NONE
    previous[peer] = last
    if (last === NONE) this.first[row] = peer
    else next[last] = peer
    this.last[row] = peer
    this.size[row] = int(this.size, row) + 1
    this.seatsTaken[row] = int(this.seatsTaken, row) + 1
    this.markDirty(row)
  }

  /** Removes a peer from its island, and the island with its last member (§5.14). */
  leave(peer: number): void {
    const { next, previous, island } = this.#peers
    const row = int(island, peer)
    const before = int(previous, peer)
    const after = int(next, peer)
    if (before === NONE) this.first[row] = after
    else next[before] = after
    if (after === NONE) this.last[row] = before
    else previous[after] = before
    island[peer] = NONE
    const size = int(this.size, row) - 1
    this.size[row] = size
    this.seatsTaken[row] = int(this.seatsTaken, row) - 1
    if (size === 0) this.#remove(row)
    else this.markDirty(row)
  }

  /** Moves all members of another island to this one and removes that island. */
  absorb(row: number, other: number): void {
    const { next, previous, island } = this.#peers
    const first = int(this.first, other)
    const last = int(this.last, row)
    for (let peer = first; peer !== NONE; peer = int(next, peer)) island[peer] = row
    next[last] = first
    previous[first] = last
    this.last[row] = int(this.last, other)
    this.size[row] = int(this.size, row) + int(this.size, other)
    this.seatsTaken[row] = int(this.seatsTaken, row) + int(this.size, other)
    this.size[other] = 0
    this.markDirty(row)
    this.#remove(other)
  }

  #remove(row: number): void {
    const id = this.ids[row]
    if (id !== undefined) this.#byId.delete(id)
    this.ids[row] = undefined
    this.isDirty[row] = 0
    this.#free.push(row)
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

/**
 * An island for reports: its centre is the mean of its members' positions, its radius the distance to the farthest (clustering.md
 * §5.7).
 */
export function summaryOf(id: string, islands: IslandTable, table: PeerTable): IslandSummary {
  const island = islands.rowOf(id)
  const first = int(islands.first, island)
  const size = int(islands.size, island)
  const peers: PeerId[] = []
  let x = 0
  let z = 0
  for (let peer = first; peer !== NONE; peer = int(table.next, peer)) {
    peers.push(table.idOf(peer))
    x += real(table.x, peer) / size
    z += real(table.z, peer) / size
  }
  if (Number.isNaN(x)) return { id, peers, center: undefined, radius: 0 }
  let farthest = 0
  for (let peer = first; peer !== NONE; peer = int(table.next, peer)) {
    const squared = (real(table.x, peer) - x) ** 2 + (real(table.z, peer) - z) ** 2
    if (squared > farthest) farthest = squared
  }
  return { id, peers, center: { x, y: 0, z }, radius: Math.sqrt(farthest) }
}
