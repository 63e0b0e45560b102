import { type CommsCell, conditionOf, type Endpoint, type Realm } from '../../crds/realm.ts'
import type { HeldRoutes } from './held-slots.ts'
import { adapterOf } from './urls.ts'

/** Whether a cell is neither cordoned nor drained. */
export const takesPlayers = ({ spec }: CommsCell): boolean => (spec.desiredState ?? 'Serving') === 'Serving'

/** Whether a cell takes players, and its connectors and its archipelago work. */
export const isServing = (cell: CommsCell): boolean => takesPlayers(cell) && conditionOf(cell, 'Ready')?.status === 'True'

/**
 * The endpoint of a cell. One that served before and does not now is Unhealthy, not Starting.
 *
 * @param desired the cell as it is applied
 * @param observed the same cell as it exists
 */
export function endpointOf(realm: Realm, desired: CommsCell, observed: CommsCell | undefined, isDraining = false): Endpoint {
  const { slot, url } = desired.spec
  const cell = desired.metadata.name
  return { slot, adapter: adapterOf(url), cell, state: isDraining ? 'Draining' : stateOf(realm, cell, observed) }
}

function stateOf(realm: Realm, name: string, observed: CommsCell | undefined): Endpoint['state'] {
  if (observed && !takesPlayers(observed)) return 'Draining'
  if (observed && isServing(observed)) return 'Serving'
  const before = realm.status?.endpoints?.find(({ cell }) => cell === name)
  return before?.state === 'Serving' || before?.state === 'Unhealthy' ? 'Unhealthy' : 'Starting'
}

/**
 * Which cell answers at each slot. Explorers keep the URL of a slot for ever, so every slot is routed to some cell while any cell exists. A
 * new cell gets its own slot once it serves; a draining cell gives its slot away first. A cell that is unhealthy for a while keeps its slot,
 * because its players would lose their islands in another cell. A slot without a cell of its own stays with a cell that has players of it.
 */
export function slotRoutes(
  max: number,
  endpoints: readonly Endpoint[],
  { successors, holders }: HeldRoutes = { successors: new Map(), holders: new Map() },
): { slot: number; cell: string }[] {
  const inStates = (...states: Endpoint['state'][]) => endpoints.filter(({ state }) => states.includes(state))
  const able = [inStates('Serving', 'Unhealthy'), inStates('Starting'), inStates('Draining')].find(({ length }) => length > 0)
  if (!able) return []
  return Array.from({ length: max }, (_, slot) => {
    const among = (names: readonly (string | undefined)[]) => able.find(({ cell }) => names.includes(cell))
    const own = able.find((endpoint) => endpoint.slot === slot)
    const chosen = among([successors.get(slot)]) ?? own ?? among(holders.get(slot) ?? []) ?? able[slot % able.length]
    return { slot, cell: chosen?.cell ?? '' }
  })
}
