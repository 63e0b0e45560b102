import type { CommsCell } from '../../../crds/realm.ts'
import { partName } from '../../desired/naming.ts'
import { marksFor } from '../../desired/scale/shrink.ts'
import type { CountPlayers } from '../../observers/players/connector-players.ts'
import type { Cache } from '../cache/cache.ts'
import type { Writer } from './writer.ts'

/** What marking pods takes. */
export interface DeletionCostParts {
  cache: Pick<Cache, 'child' | 'podsOf'>
  writer: Pick<Writer, 'setDeletionCost'>
  countPlayers: CountPlayers
}

/**
 * Marks the emptiest connectors of a cell when they are about to become fewer, so that those go; writes nothing at any other time.
 * When a cell is drained all of them go, and there is nothing to choose.
 */
export async function setDeletionCosts(
  { cache, writer, countPlayers }: DeletionCostParts,
  cell: CommsCell,
  replicas: number,
): Promise<void> {
  const { namespace, name } = cell.metadata
  const live = cache.child({ kind: 'Deployment', namespace, name: partName(cell, 'connector') })
  if (replicas === 0 || (live?.workload?.wanted ?? 0) <= replicas) return
  const staying = cache.podsOf({ kind: 'CommsCell', namespace, name }, 'connector').filter(({ terminating }) => !terminating)
  const players = await countPlayers(staying.filter(({ ready }) => ready))
  const pods = staying.map((pod) => ({ ...pod, players: players.get(pod.name) }))
  await Promise.all(marksFor(pods, replicas).map((mark) => writer.setDeletionCost({ namespace, name: mark.name }, mark.cost)))
}
