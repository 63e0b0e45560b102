import type { CellReasons, CommsCell, CommsCellStatus } from '../../../crds/realm.ts'
import type { ObservedCell, Workload } from '../../observed/workload.ts'
import { takesPlayers } from '../endpoints.ts'
import { cellSelector, selectorText } from '../naming.ts'
import { isEmpty } from '../plan.ts'
import { workloadsOf } from '../topology.ts'
import { approximatePlayers } from './approximate-players.ts'
import { type ConditionDraft, conditionsOf, type Failure, passingProblemOf, problemOf } from './conditions.ts'

/** What the status of a cell is computed from. */
export interface CellStatusInput {
  cell: CommsCell
  /** What exists once the pass has made its changes. */
  observed: ObservedCell
  /** Its players, when known; `shared` = a cell beside it has some of those who were counted. */
  players?: number | 'shared' | undefined
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** The status of a cell. A change that cannot be made leaves a working cell Ready: its players stay connected. */
export function cellStatus(input: CellStatusInput): CommsCellStatus {
  const { cell, observed, players, failure, now } = input
  const { connectors } = observed
  const ready = readyCondition(input)
  const stalled = stalledCondition(input)
  const approximate = players === 'shared' ? undefined : approximatePlayers(players, cell.status?.players)
  return {
    ...(cell.metadata.generation !== undefined && { observedGeneration: cell.metadata.generation }),
    state: stateOf(cell, observed, ready.status === 'True'),
    replicas: connectors?.desired ?? (failure ? 0 : cell.spec.connectors.replicas),
    readyReplicas: connectors?.ready ?? 0,
    updatedReplicas: connectors?.updated ?? 0,
    selector: selectorText(cellSelector(cell.metadata.name, 'connector')),
    ...(approximate && { players: approximate }),
    conditions: conditionsOf(
      cell,
      [
        ready,
        reconcilingCondition(input, stalled.status === 'True'),
        stalled,
        cordonedCondition(cell),
        drainingCondition(cell, observed),
      ],
      now,
    ),
  }
}

function stateOf(cell: CommsCell, observed: ObservedCell, ready: boolean): NonNullable<CommsCellStatus['state']> {
  if (cell.spec.desiredState === 'Drained') return isEmpty(observed) ? 'Drained' : 'Draining'
  if (cell.spec.desiredState === 'Draining') return 'Draining'
  if (ready) return 'Serving'
  const before = cell.status?.state
  return before === 'Serving' || before === 'Unhealthy' ? 'Unhealthy' : 'Starting'
}

function readyCondition({ cell, observed, failure }: CellStatusInput): ConditionDraft<CellReasons> {
  const no = (reason: CellReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  const yes = (reason: CellReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  if (cell.spec.desiredState === 'Drained')
    return isEmpty(observed) ? yes('Drained', DRAINED) : no('Draining', 'the cell is disconnecting its players')
  const { connectors } = observed
  if (workloadsOf(cell, observed).every(works)) return yes('Serving', 'players can connect, and are grouped into islands')
  if (failure) return no('ApplyFailed', failure.message)
  return works(connectors)
    ? no('ArchipelagoNotReady', 'no archipelago pod is ready')
    : no('ConnectorsNotReady', 'no connector pod is ready')
}

/** Unlike `Ready`, which one connector of several is enough for, this is over when all pods are up and run what the spec says. */
function reconcilingCondition(
  { cell, observed, failure, now }: CellStatusInput,
  isStalled: boolean,
): ConditionDraft<CellReasons> {
  const yes = (reason: CellReasons['Reconciling'], message: string) =>
    ({ type: 'Reconciling', status: 'True', reason, message }) as const
  const no = (reason: CellReasons['Reconciling'], message: string) =>
    ({ type: 'Reconciling', status: 'False', reason, message }) as const
  if (isStalled) return no('Stalled', 'the operator cannot go on; see the condition Stalled')
  if (failure) return yes('Retrying', failure.message)
  const { desiredState, connectors: asked } = cell.spec
  if (desiredState === 'Drained') return isEmpty(observed) ? no('Settled', DRAINED) : yes('Draining', drainingMessage(cell))
  const workloads = workloadsOf(cell, observed)
  const parts = workloads.flatMap((workload) => workload ?? [])
  if (parts.length < workloads.length) return yes('Starting', 'the operator is creating the connectors and the archipelago')
  for (const part of parts) {
    const problem = passingProblemOf(part, now)
    if (problem) return yes('PodsWaiting', `${part.component}: ${problem.message}`)
  }
  if (observed.connectors?.desired !== asked.replicas || parts.some(({ current, desired }) => current < desired))
    return yes('Updating', 'pods are being created or replaced')
  const starting = parts.filter(({ updated, desired }) => updated < desired).map(({ component }) => component)
  return starting.length > 0
    ? yes('Starting', `not all pods are ready: ${starting.join(', ')}`)
    : no('Settled', 'all pods are ready and run what the spec says')
}

const cordonedCondition = (cell: CommsCell): ConditionDraft<CellReasons> =>
  takesPlayers(cell)
    ? { type: 'Cordoned', status: 'False', reason: 'NotCordoned', message: 'new players may be sent to this cell' }
    : {
        type: 'Cordoned',
        status: 'True',
        reason: 'CordonRequested',
        message: `spec.desiredState is ${cell.spec.desiredState}: new players are sent to other cells`,
      }

function drainingCondition(cell: CommsCell, observed: ObservedCell): ConditionDraft<CellReasons> {
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

function stalledCondition({ cell, observed, failure, now }: CellStatusInput): ConditionDraft<CellReasons> {
  if (failure && failure.reason !== 'Retrying')
    return { type: 'Stalled', status: 'True', reason: failure.reason, message: failure.message }
  const problems = workloadsOf(cell, observed).flatMap((workload) => {
    const problem = workload && problemOf(workload, now)
    return problem ? [{ code: problem.code, message: `${workload.component}: ${problem.message}` }] : []
  })
  if (problems[0])
    return {
      type: 'Stalled',
      status: 'True',
      reason: problems[0].code,
      message: problems.map(({ message }) => message).join('; '),
    }
  return { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing keeps the operator from going on' }
}

const works = (workload: Workload | undefined): boolean => workload !== undefined && workload.ready > 0
