import type { CellReasons, CommsCell, CommsCellStatus } from '../../crds/realm.ts'
import type { CellObserved, Workload } from '../cluster/ports.ts'
import { type Claim, conditionsOf, type Failure } from './conditions.ts'
import { cellSelector, selectorText } from './naming.ts'

/** What one pass knows about a cell. */
export interface CellFacts {
  cell: CommsCell
  observed: CellObserved
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** What there is to say about a cell. A change that cannot be made does not make a working cell unready: its players go on. */
export function cellStatus({ cell, observed, failure, now }: CellFacts): CommsCellStatus {
  const { connectors } = observed
  return {
    ...(cell.metadata.generation !== undefined && { observedGeneration: cell.metadata.generation }),
    replicas: connectors?.wanted ?? (failure ? 0 : cell.spec.connectors.replicas),
    readyReplicas: connectors?.ready ?? 0,
    updatedReplicas: connectors?.updated ?? 0,
    selector: selectorText(cellSelector(cell.metadata.name, 'connector')),
    conditions: conditionsOf(cell, [readyClaim(observed, failure), stalledClaim(observed, failure)], now),
  }
}

function readyClaim({ connectors, archipelago }: CellObserved, failure: Failure | undefined): Claim<CellReasons> {
  const missing = !works(connectors) ? 'ConnectorsNotReady' : !works(archipelago) ? 'ArchipelagoNotReady' : undefined
  if (!missing)
    return { type: 'Ready', status: 'True', reason: 'Serving', message: 'players connect and are grouped into islands' }
  if (failure) return { type: 'Ready', status: 'False', reason: 'ApplyFailed', message: failure.message }
  const message = missing === 'ConnectorsNotReady' ? 'no connector takes players yet' : 'the archipelago is not ready'
  return { type: 'Ready', status: 'False', reason: missing, message }
}

function stalledClaim({ connectors, archipelago }: CellObserved, failure: Failure | undefined): Claim<CellReasons> {
  if (failure && failure.reason !== 'Retrying')
    return { type: 'Stalled', status: 'True', reason: failure.reason, message: failure.message }
  for (const workload of [connectors, archipelago])
    if (workload?.problem) {
      const { code, message } = workload.problem
      return { type: 'Stalled', status: 'True', reason: code, message: `${workload.component}: ${message}` }
    }
  return { type: 'Stalled', status: 'False', reason: 'Moving', message: 'nothing is in the way' }
}

const works = (workload: Workload | undefined): boolean => workload !== undefined && workload.ready > 0
