import type { ObjectKey } from '../../crds/object.ts'
import type { CommsCell, CommsCellStatus, Realm, RealmStatus } from '../../crds/realm.ts'
import type { CellPlan, RealmPlan } from '../desired/plan.ts'

/** What runs one part of a realm or a cell, as last seen. */
export interface Workload {
  component: Component
  /** Pods wanted, existing with the current template, and ready. */
  wanted: number
  updated: number
  ready: number
  /** Pods there are, those on their way out among them. */
  existing: number
  /** What keeps it from becoming ready, when pods say so; `code` becomes the reason of `Stalled`. */
  problem?: { code: 'PodsFailing' | 'SecretMissing' | 'Refused'; message: string }
}

/** The parts a realm is made of. */
export type Component = 'gatekeeper' | 'migration' | 'stats' | 'nats' | 'livekit' | 'connector' | 'archipelago'

/** What exists for a realm. */
export interface RealmObserved {
  cells: readonly CommsCell[]
  services: readonly Workload[]
  /** Names of cells whose connectors somebody else scales: kubectl, or an autoscaler. */
  scaled?: ReadonlySet<string>
}

/** What exists for a cell. */
export interface CellObserved {
  connectors: Workload | undefined
  archipelago: Workload | undefined
}

/** A kind a reconciler looks after. */
export type Kind = 'Realm' | 'CommsCell'

/**
 * The world as the reconcilers wish it were: what was declared, what exists, and four ways to change it. Reading answers from
 * memory; only realizing and reporting reach out. Two implementations: Kubernetes, and one process on a laptop.
 */
export interface Cluster {
  realm(key: ObjectKey): Realm | undefined
  cell(key: ObjectKey): CommsCell | undefined
  /** Every object of a kind. */
  keys(kind: Kind): readonly ObjectKey[]
  observeRealm(realm: Realm): RealmObserved
  observeCell(cell: CommsCell): CellObserved
  /** Makes what the realm deserves, changes what differs, removes what it no longer deserves. */
  realizeRealm(realm: Realm, plan: RealmPlan): Promise<void>
  /** The same for one cell. */
  realizeCell(cell: CommsCell, plan: CellPlan): Promise<void>
  /** Writes status where it differs from what is there. */
  reportRealm(realm: Realm, status: RealmStatus): Promise<void>
  reportCell(cell: CommsCell, status: CommsCellStatus): Promise<void>
  /** Sets which of our finalizers hold up the end of a realm. */
  hold(realm: Realm, finalizers: readonly string[]): Promise<void>
  /** Tells which object may need a look, for whatever reason; the returned function ends it. */
  onChange(listener: (kind: Kind, key: ObjectKey) => void): () => void
}
