import type { CommsCell } from '../../crds/realm.ts'

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
  problem?: { code: 'PodsFailing' | 'PodsRefused' | 'SecretMissing'; message: string }
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
