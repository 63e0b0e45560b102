import type { CellReasons, CommsCell, CommsCellStatus } from '../../../crds/realm.ts'
import type { CellObserved, Workload } from '../../observed/workload.ts'
import { isEmpty } from '../cells/plan-cell.ts'
import { takesPlayers } from '../endpoints.ts'
import { cellSelector, selectorText } from '../naming.ts'
import { type Claim, conditionsOf, type Failure } from './conditions.ts'
import { crowdOf } from './players.ts'

/** What one pass knows about a cell. */
export interface CellFacts {
  cell: CommsCell
  observed: CellObserved
  /** Players of its slot, when known. */
  players?: number | undefined
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** What there is to say about a cell. A change that cannot be made does not make a working cell unready: its players go on. */
export function cellStatus(facts: CellFacts): CommsCellStatus {
  const { cell, observed, players, failure, now } = facts
  const { connectors } = observed
  const ready = readyClaim(facts)
  const crowd = crowdOf(players, cell.status?.players)
  return {
    ...(cell.metadata.generation !== undefined && { observedGeneration: cell.metadata.generation }),
    state: stateOf(cell, observed, ready.status === 'True'),
    replicas: connectors?.wanted ?? (failure ? 0 : cell.spec.connectors.replicas),
    readyReplicas: connectors?.ready ?? 0,
    updatedReplicas: connectors?.updated ?? 0,
    selector: selectorText(cellSelector(cell.metadata.name, 'connector')),
    ...(crowd && { players: crowd }),
    conditions: conditionsOf(
      cell,
      [ready, stalledClaim(observed, failure), cordonedClaim(cell), drainingClaim(cell, observed)],
      now,
    ),
  }
}

function stateOf(cell: CommsCell, observed: CellObserved, ready: boolean): NonNullable<CommsCellStatus['state']> {
  if (cell.spec.desiredState === 'Drained') return isEmpty(observed) ? 'Drained' : 'Draining'
  if (cell.spec.desiredState === 'Draining') return 'Draining'
  if (ready) return 'Serving'
  const before = cell.status?.state
  return before === 'Serving' || before === 'Unhealthy' ? 'Unhealthy' : 'Starting'
}

function readyClaim({ cell, observed, failure }: CellFacts): Claim<CellReasons> {
  const no = (reason: CellReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  if (cell.spec.desiredState === 'Drained') return no('Drained', 'its players are sent elsewhere, as asked')
  const { connectors, archipelago } = observed
  if (works(connectors) && works(archipelago))
    return { type: 'Ready', status: 'True', reason: 'Serving', message: 'players connect and are grouped into islands' }
  if (failure) return no('ApplyFailed', failure.message)
  return works(connectors)
    ? no('ArchipelagoNotReady', 'the archipelago is not ready')
    : no('ConnectorsNotReady', 'no connector takes players yet')
}

const cordonedClaim = (cell: CommsCell): Claim<CellReasons> =>
  takesPlayers(cell)
    ? { type: 'Cordoned', status: 'False', reason: 'TakesPlayers', message: 'newcomers are led here' }
    : { type: 'Cordoned', status: 'True', reason: 'AsAsked', message: 'newcomers are led elsewhere' }

function drainingClaim({ spec }: CommsCell, observed: CellObserved): Claim<CellReasons> {
  const type = 'Draining'
  if (spec.desiredState !== 'Drained') return { type, status: 'False', reason: 'PlayersStay', message: 'nobody is sent away' }
  if (isEmpty(observed)) return { type, status: 'True', reason: 'Empty', message: 'nobody is here any more' }
  return {
    type,
    status: 'True',
    reason: 'SendingAway',
    message: `players are sent elsewhere within ${spec.connectors.drainSeconds} s`,
  }
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
