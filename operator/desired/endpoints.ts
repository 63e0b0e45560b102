import { type CommsCell, conditionOf, type Realm, type RealmStatus } from '../../crds/realm.ts'
import { adapterOf } from './urls.ts'

/** Where players connect at one slot, and whether they can. */
export type Endpoint = NonNullable<RealmStatus['endpoints']>[number]

/** Whether a cell's connectors and archipelago work. */
export const isServing = (cell: CommsCell | undefined): boolean =>
  cell !== undefined && conditionOf(cell, 'Ready')?.status === 'True'

/** The state of the endpoint of a cell that should be there, given what is seen of it: one that served before is unhealthy, not starting. */
export function endpointState(realm: Realm, wanted: CommsCell, seen: CommsCell | undefined): Endpoint['state'] {
  if (isServing(seen)) return 'Serving'
  const before = realm.status?.endpoints?.find(({ cell }) => cell === wanted.metadata.name)
  return before === undefined || before.state === 'Starting' ? 'Starting' : 'Unhealthy'
}

/** The endpoints of the cells a realm deserves. */
export const endpointsOf = (realm: Realm, wanted: readonly CommsCell[], seen: readonly CommsCell[]): Endpoint[] =>
  wanted.map((cell) => ({
    slot: cell.spec.slot,
    adapter: adapterOf(cell.spec.url),
    cell: cell.metadata.name,
    state: endpointState(
      realm,
      cell,
      seen.find(({ metadata }) => metadata.name === cell.metadata.name),
    ),
  }))
