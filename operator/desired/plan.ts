import type { CommsCell } from '../../crds/realm.ts'
import type { Settings } from './settings.ts'

/** What one pass wants for a realm. */
export interface RealmPlan {
  /** The cells the realm deserves, complete as they should be; others of this realm go. */
  cells: readonly CommsCell[]
  /** The services all cells of the realm share. */
  services: readonly ServicePlan[]
  /** Which cell answers at each slot's stable URL: every slot below `cells.max`, none while no cell runs. */
  slots: readonly { slot: number; cell: string }[]
}

/** One service of a realm. */
export interface ServicePlan {
  component: 'gatekeeper' | 'stats'
  replicas: number
  settings: Settings
}

/** What one pass wants for a cell. */
export interface CellPlan {
  connectors: { replicas: number; settings: Settings }
  archipelago: { settings: Settings }
}
