import type { CommsCell } from '../../crds/realm.ts'
import type { JoinsSeen, Peak } from './players.ts'
import type { Join } from './synthetic-join.ts'

/** What a plan is made from besides what was declared and what exists; all of it found out in the background. */
export interface Outlook {
  /** Players by slot, when known. */
  players: ReadonlyMap<number, number> | undefined
  /** Whether nobody could tell for longer than such things take. */
  isUncounted?: boolean
  /** The most there were for as long as `autoscale.scaleDownAfterSeconds` says, when that is known. */
  peak?: Peak | undefined
  joinOf(cell: CommsCell): Join
  /** How it goes for real players who come to a cell; nothing where nobody watches. */
  joinsOf?: ((cell: CommsCell) => JoinsSeen) | undefined
  /** Whether a realm provider elsewhere may still lead players to a cell, as far as anybody knows. */
  isLedTo?(cell: CommsCell): boolean
  /** Milliseconds since the epoch. */
  now: number
}

/** Nothing is known besides. */
export const noOutlook: Outlook = { players: undefined, joinOf: () => ({ state: 'untried' }), now: 0 }
