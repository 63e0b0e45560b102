import { int, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { Neighbourhoods } from './neighbourhoods.ts'
import type { ScatteredGroup } from './scattered-groups.ts'

interface Run {
  readonly island: number
  readonly members: number
  /** The key on the curve by which islands are ordered. */
  readonly key: number
}

/**
 * Divides the peers of a group, in the order of the curve, into one run per island, as long as the island has members: neighbours
 * are then mostly in the same run. The runs are in the order the islands had in the last plan, so that a plan of which only a
 * part was carried out continues.
 */
export class CurveRuns {
  readonly #islands: IslandTable
  /** By serial number, because rows of islands are used again: the key of the middle of the island's last run. */
  #middleKeys = new Map<number, number>()
  #previousKeys: ReadonlyMap<number, number> = new Map()
  /** By island: the rank in the middle of its run. */
  readonly #middles = new Map<number, number>()
  /** By island of the group that is divided: how many members it has there, and the sum of their keys. */
  #members = new Int32Array(0)
  #keySums = new Float64Array(0)

  constructor(islands: IslandTable) {
    this.#islands = islands
  }

  /** Begins a new plan; islands without a run in it are forgotten with the next. */
  begin(): void {
    this.#previousKeys = this.#middleKeys
    this.#middleKeys = new Map()
    this.#middles.clear()
  }

  /** The rank in the middle of an island's run; undefined for an island without one. */
  middleOf(island: number): number | undefined {
    return this.#middles.get(island)
  }

  /** Assigns each peer of the group that may move to the island of its run. */
  assign(
    { islands }: ScatteredGroup,
    ranks: readonly number[],
    neighbours: Neighbourhoods,
    mayMove: (peer: number) => boolean,
  ): void {
    let start = 0
    for (const { island, members } of this.#runs(islands, ranks, neighbours)) {
      const end = start + members
      const middle = ranks[(start + end) >> 1] ?? ranks[start] ?? 0
      this.#middleKeys.set(int(this.#islands.serial, island), neighbours.keyOf(middle))
      this.#middles.set(island, middle)
      for (; start < end; start++) {
        const rank = ranks[start]
        if (rank !== undefined && mayMove(int(neighbours.peer, rank))) neighbours.intended[rank] = island
      }
    }
  }

  #runs(islands: readonly number[], ranks: readonly number[], neighbours: Neighbourhoods): Run[] {
    if (this.#members.length < this.#islands.rows) this.#grow(this.#islands.rows * 2)
    for (const island of islands) {
      this.#members[island] = 0
      this.#keySums[island] = 0
    }
    for (const rank of ranks) {
      const island = int(neighbours.island, rank)
      this.#members[island] = int(this.#members, island) + 1
      this.#keySums[island] = real(this.#keySums, island) + neighbours.keyOf(rank)
    }
    const runs = islands.map((island) => {
      const members = int(this.#members, island)
      const key = this.#previousKeys.get(int(this.#islands.serial, island)) ?? real(this.#keySums, island) / members
      return { island, members, key }
    })
    return runs.sort((a, b) => a.key - b.key)
  }

  #grow(islands: number): void {
    this.#members = new Int32Array(islands)
    this.#keySums = new Float64Array(islands)
  }
}
