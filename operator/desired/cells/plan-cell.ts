import type { CommsCell } from '../../../crds/realm.ts'
import type { CellObserved } from '../../observed/workload.ts'
import { archipelagoSettings, connectorSettings, type Settings } from '../settings.ts'

/** What one pass wants for a cell. */
export interface CellPlan {
  connectors: { replicas: number; settings: Settings }
  archipelago: { runs: boolean; settings: Settings }
}

const NOTHING: CellObserved = { connectors: undefined, archipelago: undefined }

/**
 * The processes of one cell. One that is drained sends its players away by ending its connectors; the archipelago groups them to the last.
 * Two cells of a slot share one bus, where archipelagos settle who of them speaks: so players keep their islands from cell to cell.
 */
export function planCell(cell: CommsCell, observed: CellObserved = NOTHING): CellPlan {
  const isDrained = cell.spec.desiredState === 'Drained'
  return {
    connectors: { replicas: isDrained ? 0 : cell.spec.connectors.replicas, settings: connectorSettings(cell) },
    archipelago: { runs: !(isDrained && isEmpty(observed)), settings: archipelagoSettings(cell) },
  }
}

/** Whether no connector is left, and so no player. */
export const isEmpty = ({ connectors }: CellObserved): boolean =>
  connectors === undefined || (connectors.wanted === 0 && connectors.ready === 0 && connectors.existing === 0)
