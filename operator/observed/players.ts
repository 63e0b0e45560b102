/** The most players there were within a time of which everything is known. */
export interface Peak {
  /** Slots nobody counted all the time are missing. */
  bySlot: ReadonlyMap<number, number>
  /** Most players of all slots together at one time. */
  total: number
}

/** How it went lately for players who signed in to a cell and said where they are. */
export interface Joins {
  /** Were given an island. */
  given: number
  /** Waited for one in vain. */
  missed: number
  /** Wait for theirs. */
  waiting: number
}

/** What is known of the joins of a cell: `unknown` while it was not asked yet, `unreachable` when it does not answer. */
export type JoinsSeen = Joins | 'unknown' | 'unreachable'
