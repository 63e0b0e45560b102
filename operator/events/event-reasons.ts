import type { CellReasons, RealmReasons } from '../../crds/realm.ts'

/** Everything the operator ever tells as an Event: how it is shown, and what the operator was about when it happened. */
export const eventReasons = {
  /** A slot of a realm got a cell. */
  CellCreated: { type: 'Normal', action: 'Scale' },
  /** A cell takes players. */
  CellServing: { type: 'Normal', action: 'Observe' },
  /** A cell that took players does so no more. */
  CellUnhealthy: { type: 'Warning', action: 'Observe' },
  /** A cell the realm no longer deserves is gone. */
  CellRemoved: { type: 'Normal', action: 'Scale' },
  /** The realm provider was seen serving the realm. */
  EndpointPublished: { type: 'Normal', action: 'Publish' },
  /** The realm provider serves the realm no more. */
  EndpointUnpublished: { type: 'Normal', action: 'Publish' },
  /** The realm provider does not answer. */
  PublishFailed: { type: 'Warning', action: 'Publish' },
  /** Pods wait for a Secret that is not there, or lacks a key. */
  SecretMissing: { type: 'Warning', action: 'Observe' },
  /** Pods do not start, or keep ending. */
  PodsFailing: { type: 'Warning', action: 'Observe' },
  /** The API server, or somebody who was there first, does not let an object be as declared. */
  ApplyRefused: { type: 'Warning', action: 'Apply' },
  /** A cell names no bus. */
  BusMissing: { type: 'Warning', action: 'Apply' },
  /** A new cell is up, and could not be joined as a player would. */
  JoinFailed: { type: 'Warning', action: 'Rollout' },
  /** A new cell did not come up in time. */
  ProgressDeadlineExceeded: { type: 'Warning', action: 'Rollout' },
  /** A cell that replaced another does not serve, so that no further one is replaced. */
  NewCellsUnhealthy: { type: 'Warning', action: 'Rollout' },
  /** Too few of the players who sign in to new cells are given islands, so that no further cell is replaced. */
  JoinRate: { type: 'Warning', action: 'Rollout' },
  /** There are more players than cells or connectors are meant for, and so more of them. */
  ScaledUp: { type: 'Normal', action: 'Scale' },
  /** Fewer cells or connectors had done for a while. */
  ScaledDown: { type: 'Normal', action: 'Scale' },
  /** There are more players than the most cells and connectors allowed are meant for. */
  ScaleLimited: { type: 'Warning', action: 'Scale' },
  /** Cells written by hand leave too few slots for those the realm asks for. */
  NoSlotFree: { type: 'Warning', action: 'Scale' },
  /** A cell takes no new players, and is about to send those away who are there. */
  CellDraining: { type: 'Normal', action: 'Scale' },
  /** Somebody changed or deleted an object of ours; it is as it should be again. */
  DriftRepaired: { type: 'Normal', action: 'Repair' },
  /** Somebody changes an object of ours faster than we may put it right. */
  RepairHeldBack: { type: 'Warning', action: 'Repair' },
} as const satisfies Record<string, { type: 'Normal' | 'Warning'; action: string }>
/** Why an Event is told: a closed set, so that tools can match on it. */
export type EventReason = keyof typeof eventReasons

/** One thing to tell about an object. */
export interface EventNote {
  reason: EventReason
  note: string
}

type Blocker = Exclude<RealmReasons['Stalled'] | CellReasons['Stalled'], 'Moving'>
/** What stands in an object's way, by the reason of its condition `Stalled`. */
export const blockerReasons: Readonly<Record<Blocker, EventReason>> = {
  Refused: 'ApplyRefused',
  PodsFailing: 'PodsFailing',
  SecretMissing: 'SecretMissing',
  BusMissing: 'BusMissing',
  JoinFailed: 'JoinFailed',
  ProgressDeadlineExceeded: 'ProgressDeadlineExceeded',
  NewCellsUnhealthy: 'NewCellsUnhealthy',
  JoinRate: 'JoinRate',
  NoSlotFree: 'NoSlotFree',
}
