import type { CommsCell } from '../../../crds/realm.ts'
import { partName } from '../../desired/naming.ts'
import { deletionCostChanges } from '../../desired/scale/pod-removal.ts'
import type { CountPlayers } from '../../observers/players/connector-players.ts'
import type { Cache } from '../cache/cache.ts'
import type { Writer } from './writer.ts'

interface DeletionCostParts {
  cache: Pick<Cache, 'child' | 'pods'>
  writer: Pick<Writer, 'setDeletionCost'>
  countPlayers: CountPlayers
}

/**
 * Before the connectors of a cell become fewer, sets the pod deletion cost so that Kubernetes removes those with the fewest
 * players; writes nothing at any other time. When a cell is drained all of them are removed, and there is nothing to choose.
 */
export async function setDeletionCosts(parts: DeletionCostParts, cell: CommsCell, replicas: number): Promise<void> {
  const { cache, writer, countPlayers } = parts
  const { namespace, name } = cell.metadata
  const live = cache.child({ kind: 'Deployment', namespace, name: partName(cell, 'connector') })
  if (replicas === 0 || (live?.workload?.desired ?? 0) <= replicas) return
  const running = cache.pods.podsOf({ kind: 'CommsCell', namespace, name }, 'connector').filter(({ terminating }) => !terminating)
  const players = await countPlayers(running.filter(({ ready }) => ready))
  const pods = running.map(({ deletionCost, ...pod }) => ({ ...pod, cost: deletionCost, players: players.get(pod.name) }))
  await Promise.all(
    deletionCostChanges(pods, replicas).map(({ name, cost }) => writer.setDeletionCost({ namespace, name }, cost)),
  )
}
