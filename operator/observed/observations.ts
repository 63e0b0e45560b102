import type { CommsCell } from '../../crds/realm.ts'
import type { ObservedJoinCounts, PlayerPeak } from './players.ts'
import type { SyntheticJoin } from './synthetic-join.ts'

/** What the observers found out in the background, as far as planning needs it besides the spec and the objects that exist. */
export interface Observations {
  /** Players by slot, when known. */
  players: ReadonlyMap<number, number> | undefined
  /** Whether the numbers of players have been missing for longer than a restart takes. */
  arePlayersUnknown?: boolean
  /** The peak of the last `autoscale.scaleDownAfterSeconds`, once the operator has counted for that long. */
  peak?: PlayerPeak | undefined
  syntheticJoinOf(cell: CommsCell): SyntheticJoin
  /** Join counts of the real players of a cell; absent where they are not observed. */
  joinCountsOf?: ((cell: CommsCell) => ObservedJoinCounts) | undefined
  /** Whether a realm provider of another cluster may still send players to a cell, as far as the operator knows. */
  mayBeRoutedTo?(cell: CommsCell): boolean
  /** Whether its gatekeeper was seen to serve a world; undefined = it was not asked yet. */
  isWorldServed?: boolean | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** For callers without observers: nothing was observed yet. */
export const noObservations: Observations = { players: undefined, syntheticJoinOf: () => ({ state: 'untried' }), now: 0 }
