import { int } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { Neighbourhoods } from './neighbourhoods.ts'
import type { ScatteredGroup } from './scattered-groups.ts'

interface Run {
  readonly island: number
  members: number
  /** Where on the curve the island lies. */
  place: number
}

/**
 * Cuts a crowd along the curve into runs as long as its islands are, one for each: people next to each other are then mostly in one run.
 * The runs follow each other as the islands did when they were cut last, so that a plan of which only half was carried out stays the plan.
 */
export class CurveRuns {
  readonly #islands: IslandTable
  /** By birth, for an island's slot is used again: where on the curve its last run was. */
  #places = new Map<number, number>()
  #before: ReadonlyMap<number, number> = new Map()
  /** By island: the rank in the middle of its run. */
  readonly #middles = new Map<number, number>()

  constructor(islands: IslandTable) {
    this.#islands = islands
  }

  /** Begins a new plan; islands that are not cut in it are forgotten with the next. */
  begin(): void {
    this.#before = this.#places
    this.#places = new Map()
    this.#middles.clear()
  }

  /** The rank around which an island is to be; nothing for one that is not cut. */
  middleOf(island: number): number | undefined {
    return this.#middles.get(island)
  }

  /** Intends each of the crowd that may move for the island of its run. */
  assign(crowd: ScatteredGroup, survey: Neighbourhoods, mayMove: (peer: number) => boolean): void {
    let start = 0
    for (const { island, members } of this.#seats(crowd, survey)) {
      const end = start + members
      const middle = crowd.ranks[(start + end) >> 1] ?? crowd.ranks[start] ?? 0
      this.#places.set(int(this.#islands.serial, island), survey.keyOf(middle))
      this.#middles.set(island, middle)
      for (const rank of crowd.ranks.slice(start, end)) if (mayMove(int(survey.peer, rank))) survey.intended[rank] = island
      start = end
    }
  }

  #seats({ islands, ranks }: ScatteredGroup, survey: Neighbourhoods): Run[] {
    const seats = new Map(islands.map((island) => [island, { island, members: 0, place: 0 }]))
    for (const rank of ranks) {
      const seat = seats.get(int(survey.island, rank))
      if (!seat) continue
      seat.members++
      seat.place += survey.keyOf(rank)
    }
    for (const seat of seats.values())
      seat.place = this.#before.get(int(this.#islands.serial, seat.island)) ?? seat.place / seat.members
    return [...seats.values()].sort((a, b) => a.place - b.place)
  }
}
