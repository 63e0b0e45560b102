import type { CommsCell } from '../../../crds/realm.ts'
import { partName } from '../../desired/naming.ts'
import { marksFor } from '../../desired/scale/shrink.ts'
import type { Headcount } from '../../observers/players/connector-players.ts'
import type { Cache } from '../cache/cache.ts'
import type { Writer } from './writer.ts'

/** What marking pods takes. */
export interface ShrinkParts {
  cache: Pick<Cache, 'child' | 'podsOf'>
  writer: Pick<Writer, 'mark'>
  headcount: Headcount
}

/**
 * Marks the emptiest connectors of a cell when they are about to become fewer, so that those go; writes nothing at any other time.
 * When a cell is drained all of them go, and there is nothing to choose.
 */
export async function markEmptiest({ cache, writer, headcount }: ShrinkParts, cell: CommsCell, replicas: number): Promise<void> {
  const { namespace, name } = cell.metadata
  const live = cache.child({ kind: 'Deployment', namespace, name: partName(cell, 'connector') })
  if (replicas === 0 || (live?.workload?.wanted ?? 0) <= replicas) return
  const staying = cache.podsOf({ kind: 'CommsCell', namespace, name }, 'connector').filter(({ leaving }) => !leaving)
  const players = await headcount(staying.filter(({ ready }) => ready))
  const pods = staying.map((pod) => ({ ...pod, players: players.get(pod.name) }))
  await Promise.all(marksFor(pods, replicas).map((mark) => writer.mark({ namespace, name: mark.name }, mark.cost)))
}
