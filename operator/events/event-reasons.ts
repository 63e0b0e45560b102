import type { CellReasons, RealmReasons } from '../../crds/realm.ts'

/** The reasons of all Events the operator creates, with the type of each and the action that was under way. A closed set. */
export const eventReasons = {
  /** The operator created a cell for a slot. */
  CellCreated: { type: 'Normal', action: 'Scale' },
  /** A cell serves players. */
  CellServing: { type: 'Normal', action: 'Observe' },
  /** A cell that served players no longer does. */
  CellUnhealthy: { type: 'Warning', action: 'Observe' },
  /** The operator cordoned a cell: it takes no new players, and will be drained. */
  CellDraining: { type: 'Normal', action: 'Scale' },
  /** The operator removed a cell that the realm no longer asks for. */
  CellRemoved: { type: 'Normal', action: 'Scale' },
  /** The realm provider serves the realm. */
  RealmPublished: { type: 'Normal', action: 'Publish' },
  /** The realm provider no longer serves the realm. */
  RealmUnpublished: { type: 'Normal', action: 'Publish' },
  /** The operator cannot reach a realm provider. */
  ProviderUnreachable: { type: 'Warning', action: 'Publish' },
  /** Another realm is published under the same name. */
  NameTaken: { type: 'Warning', action: 'Publish' },
  /** Another realm has the public address of the realm, or a further host of its gatekeeper. */
  AddressTaken: { type: 'Warning', action: 'Publish' },
  /** The realm names a provider that the operator is not configured for. */
  ProviderNotConfigured: { type: 'Warning', action: 'Publish' },
  /** Pods wait for a Secret that does not exist, or that lacks a key. */
  SecretMissing: { type: 'Warning', action: 'Observe' },
  /** Pods do not start, or keep exiting. */
  PodsFailing: { type: 'Warning', action: 'Observe' },
  /** The API server refuses pods: a quota, a limit or an admission policy. */
  PodsRefused: { type: 'Warning', action: 'Observe' },
  /** The API server refuses an object, or an object of that name exists which the operator did not create. */
  ApplyRefused: { type: 'Warning', action: 'Apply' },
  /** A cell has no NATS. */
  BusMissing: { type: 'Warning', action: 'Apply' },
  /** Players cannot trust the certificate at the public address of the realm. */
  CertificateInvalid: { type: 'Warning', action: 'Observe' },
  /** The certificate at the public address of the realm expires soon, and nothing has renewed it yet. */
  CertificateExpiresSoon: { type: 'Warning', action: 'Observe' },
  /** The controller of the Ingress or of the Gateway does not serve the realm at its host. */
  RouteNotAccepted: { type: 'Warning', action: 'Observe' },
  /** The gatekeeper keeps its data in its pod, so bans end with it. */
  DataEndsWithPod: { type: 'Warning', action: 'Observe' },
  /** The operator could not join a new cell as a player. */
  JoinFailed: { type: 'Warning', action: 'Rollout' },
  /** A new cell did not replace the old one within rollout.progressDeadlineSeconds. */
  ProgressDeadlineExceeded: { type: 'Warning', action: 'Rollout' },
  /** A cell that replaced another one does not serve players, so the rollout stopped. */
  NewCellsUnhealthy: { type: 'Warning', action: 'Rollout' },
  /** Too few of the players who sign in to new cells are given an island, so the rollout stopped. */
  JoinRateTooLow: { type: 'Warning', action: 'Rollout' },
  /** The number of players grew, and autoscaling added cells or connectors. */
  ScaledUp: { type: 'Normal', action: 'Scale' },
  /** The number of players fell, and autoscaling removed cells or connectors. */
  ScaledDown: { type: 'Normal', action: 'Scale' },
  /** There are more players than the maximum of cells and connectors is meant for. */
  ScaleLimited: { type: 'Warning', action: 'Scale' },
  /** Cells that the operator did not create leave too few slots for those the realm asks for. */
  NoSlotFree: { type: 'Warning', action: 'Scale' },
  /** The Realm whose gatekeeper a world names cannot serve it. */
  HostNotUsable: { type: 'Warning', action: 'Apply' },
  /** Another installation of the operator manages the realm, so this one leaves it alone. */
  ManagedByAnother: { type: 'Warning', action: 'Observe' },
  /** A CRD in the cluster is older than the operator, so it does not know fields of the realm or the cell. */
  CrdOutdated: { type: 'Warning', action: 'Apply' },
  /** Another client changed or deleted an object of the operator, which restored it. */
  DriftRepaired: { type: 'Normal', action: 'Repair' },
  /** Another client keeps changing an object of the operator, which limits how often it restores it. */
  RepairRateLimited: { type: 'Warning', action: 'Repair' },
} as const satisfies Record<string, { type: 'Normal' | 'Warning'; action: string }>
/** The reason of an Event. The reasons for which an object can be `Stalled` are among them, under the same names. */
export type EventReason = keyof typeof eventReasons

/** The reason and the sentence of one Event. */
export interface EventNote {
  reason: EventReason
  note: string
}

/** The Event for a reason of the condition `Stalled`. A new reason without an Event does not compile. */
export const stalledEvent = (reason: RealmReasons['Stalled'] | CellReasons['Stalled']): EventReason | undefined =>
  reason === 'NotStalled' ? undefined : reason
