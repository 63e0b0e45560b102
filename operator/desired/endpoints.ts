import { type CommsCell, conditionOf, type Endpoint, type Realm } from '../../crds/realm.ts'
import { adapterOf } from './urls.ts'

/** Whether nobody asked the cell to send its players elsewhere. */
export const takesPlayers = ({ spec }: CommsCell): boolean => (spec.desiredState ?? 'Serving') === 'Serving'

/** Whether a cell's connectors and archipelago work, and it takes players. */
export const isServing = (cell: CommsCell): boolean => takesPlayers(cell) && conditionOf(cell, 'Ready')?.status === 'True'

/** The endpoint a cell is, given what is seen of it: one that served before is unhealthy, not starting. */
export function endpointOf(realm: Realm, wanted: CommsCell, seen: CommsCell | undefined, leaves = false): Endpoint {
  const { slot, url } = wanted.spec
  const cell = wanted.metadata.name
  return { slot, adapter: adapterOf(url), cell, state: leaves ? 'Draining' : stateOf(realm, cell, seen) }
}

function stateOf(realm: Realm, name: string, seen: CommsCell | undefined): Endpoint['state'] {
  if (seen && !takesPlayers(seen)) return 'Draining'
  if (seen && isServing(seen)) return 'Serving'
  const before = realm.status?.endpoints?.find(({ cell }) => cell === name)
  return before?.state === 'Serving' || before?.state === 'Unhealthy' ? 'Unhealthy' : 'Starting'
}

/**
 * Which cell answers at each slot. Explorers keep a slot's URL for ever, so each slot leads somewhere for as long as any cell lives. A new
 * cell takes its own slot over once it serves, one that leaves gives it away first; one that only stumbles keeps it, because its players
 * would lose their islands in another cell.
 */
export function answeringCells(max: number, endpoints: readonly Endpoint[]): { slot: number; cell: string }[] {
  const inStates = (...states: Endpoint['state'][]) => endpoints.filter(({ state }) => states.includes(state))
  const able = [inStates('Serving', 'Unhealthy'), inStates('Starting'), inStates('Draining')].find(({ length }) => length > 0)
  if (!able) return []
  return Array.from({ length: max }, (_, slot) => {
    const answering = able.find((endpoint) => endpoint.slot === slot) ?? able[slot % able.length]
    return { slot, cell: answering?.cell ?? '' }
  })
}
