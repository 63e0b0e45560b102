import type { CellReasons, CommsCell, CommsCellStatus } from '../../../crds/realm.ts'
import type { CellObserved, Workload } from '../../observed/workload.ts'
import { isEmpty } from '../cells/plan-cell.ts'
import { takesPlayers } from '../endpoints.ts'
import { cellSelector, selectorText } from '../naming.ts'
import { type Claim, conditionsOf, type Failure, problemOf } from './conditions.ts'
import { crowdOf } from './players.ts'

/** What one pass knows about a cell. */
export interface CellFacts {
  cell: CommsCell
  /** What exists once the pass has made its changes. */
  observed: CellObserved
  /** Players of its slot, when known. */
  players?: number | undefined
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** The status of a cell. A change that cannot be made leaves a working cell Ready: its players stay connected. */
export function cellStatus(facts: CellFacts): CommsCellStatus {
  const { cell, observed, players, failure, now } = facts
  const { connectors } = observed
  const ready = readyClaim(facts)
  const stalled = stalledClaim(observed, failure)
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
      [ready, reconcilingClaim(facts, stalled.status === 'True'), stalled, cordonedClaim(cell), drainingClaim(cell, observed)],
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
  const yes = (reason: CellReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  if (cell.spec.desiredState === 'Drained')
    return isEmpty(observed) ? yes('Drained', DRAINED) : no('Draining', 'the cell is disconnecting its players')
  const { connectors, archipelago } = observed
  if (works(connectors) && works(archipelago)) return yes('Serving', 'players can connect, and are grouped into islands')
  if (failure) return no('ApplyFailed', failure.message)
  return works(connectors)
    ? no('ArchipelagoNotReady', 'no archipelago pod is ready')
    : no('ConnectorsNotReady', 'no connector pod is ready')
}

/** Unlike `Ready`, which one connector of several is enough for, this is over when all pods are up and run what the spec says. */
function reconcilingClaim({ cell, observed, failure }: CellFacts, isStalled: boolean): Claim<CellReasons> {
  const yes = (reason: CellReasons['Reconciling'], message: string) =>
    ({ type: 'Reconciling', status: 'True', reason, message }) as const
  const no = (reason: CellReasons['Reconciling'], message: string) =>
    ({ type: 'Reconciling', status: 'False', reason, message }) as const
  if (isStalled) return no('Stalled', 'the operator cannot go on; see the condition Stalled')
  if (failure) return yes('Retrying', failure.message)
  const { desiredState, connectors: asked } = cell.spec
  if (desiredState === 'Drained') return isEmpty(observed) ? no('Settled', DRAINED) : yes('Draining', drainingMessage(cell))
  const workloads = [observed.connectors, observed.archipelago]
  const parts = workloads.flatMap((workload) => workload ?? [])
  if (parts.length < workloads.length) return yes('Starting', 'the operator is creating the connectors and the archipelago')
  if (observed.connectors?.wanted !== asked.replicas || parts.some(({ updated, wanted }) => updated < wanted))
    return yes('Updating', 'pods are being created or replaced')
  const starting = parts.filter(({ ready, wanted }) => ready < wanted).map(({ component }) => component)
  return starting.length > 0
    ? yes('Starting', `not all pods are ready: ${starting.join(', ')}`)
    : no('Settled', 'all pods are ready and run what the spec says')
}

const cordonedClaim = (cell: CommsCell): Claim<CellReasons> =>
  takesPlayers(cell)
    ? { type: 'Cordoned', status: 'False', reason: 'NotCordoned', message: 'new players may be sent to this cell' }
    : {
        type: 'Cordoned',
        status: 'True',
        reason: 'CordonRequested',
        message: `spec.desiredState is ${cell.spec.desiredState}: new players are sent to other cells`,
      }

function drainingClaim(cell: CommsCell, observed: CellObserved): Claim<CellReasons> {
  const type = 'Draining'
  if (cell.spec.desiredState !== 'Drained')
    return { type, status: 'False', reason: 'NotDraining', message: 'players stay connected' }
  return isEmpty(observed)
    ? { type, status: 'False', reason: 'Drained', message: DRAINED }
    : { type, status: 'True', reason: 'DisconnectingPlayers', message: drainingMessage(cell) }
}

const DRAINED = 'the cell is drained: no connector and no player is left'

const drainingMessage = ({ spec }: CommsCell): string =>
  `the connectors disconnect their players within ${spec.connectors.drainSeconds} s, so that they connect to another cell`

function stalledClaim({ connectors, archipelago }: CellObserved, failure: Failure | undefined): Claim<CellReasons> {
  if (failure && failure.reason !== 'Retrying')
    return { type: 'Stalled', status: 'True', reason: failure.reason, message: failure.message }
  for (const workload of [connectors, archipelago]) {
    const problem = workload && problemOf(workload)
    if (problem)
      return { type: 'Stalled', status: 'True', reason: problem.code, message: `${workload.component}: ${problem.message}` }
  }
  return { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing keeps the operator from going on' }
}

const works = (workload: Workload | undefined): boolean => workload !== undefined && workload.ready > 0
