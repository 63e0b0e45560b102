import type { PeerId, Position } from '../../wire/peer.ts'

/** A peer inside the engine. `x` and `z` are NaN for a peer that stands nowhere: NaN is near nothing (clustering.md §5.8). */
export interface Dweller {
  readonly peer: PeerId
  position: Position
  x: number
  z: number
  /** The room it would rather be in, by id. */
  prefers: string | undefined
  /** Nothing between its arrival and the flush that places it. */
  island: Island | undefined
}

/** A group of peers that becomes a room; it has no name before the flush that founded it ends, so that no name is wasted. */
export class Island {
  id: string | undefined
  readonly members = new Set<Dweller>()
  /** Order of creation: smaller is older. */
  readonly born: number

  constructor(born: number) {
    this.born = born
  }

  get size(): number {
    return this.members.size
  }

  /** Bigger comes first; among equals the older (clustering.md §5.5). */
  static order(this: void, a: Island, b: Island): number {
    return b.size - a.size || a.born - b.born
  }
}

/** The square of the distance on the ground; height does not count (clustering.md §5.1). */
export const squaredDistance = (a: Dweller, b: Dweller): number => (a.x - b.x) ** 2 + (a.z - b.z) ** 2

/** The room most of these dwellers would rather be in, if any of them would; the first named wins a tie (clustering.md §5.9). */
export function favouriteRoom(dwellers: Iterable<Dweller>): string | undefined {
  const votes = new Map<string, number>()
  let favourite: string | undefined
  for (const { prefers } of dwellers) if (prefers !== undefined) votes.set(prefers, (votes.get(prefers) ?? 0) + 1)
  for (const [room, count] of votes) if (favourite === undefined || count > (votes.get(favourite) ?? 0)) favourite = room
  return favourite
}
