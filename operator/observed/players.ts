/** The most players within a period in which they were counted without a gap. */
export interface PlayerPeak {
  /** Without the slots whose counts have a gap. */
  bySlot: ReadonlyMap<number, number>
  /** Most players of all slots together at one time. */
  total: number
}

/** The players who lately signed in to a cell and reported a position. */
export interface JoinCounts {
  /** Were given an island. */
  given: number
  /** Were not given one in time. */
  missed: number
  /** Still wait for theirs. */
  waiting: number
}

/** `unknown`: the cell was not asked yet. `unreachable`: it does not answer. */
export type ObservedJoinCounts = JoinCounts | 'unknown' | 'unreachable'
