import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { livekitMediaName, natsPeersName, natsSecretName, partName } from '../naming.ts'
import { hostUrl } from '../urls.ts'

/** A server the operator may run for a realm. */
export type ManagedPart = 'nats' | 'livekit'

/** Whether a cell uses the Managed server of its realm. Its own settings say so, whatever the spec of the realm says by now. */
export const usesManagedServer = (realm: Realm, { spec }: CommsCell, part: ManagedPart): boolean =>
  part === 'nats'
    ? spec.nats?.credentials?.secretName === natsSecretName(realm.metadata.name)
    : spec.livekit?.credentials.secretName === partName(realm, 'livekit')

/**
 * Names of the objects of Managed servers which the realm no longer asks for, and which cells or held services still use. They stay exactly as they are,
 * their number of replicas included, because the spec of the realm no longer holds it.
 */
export function retainedObjects(realm: Realm, cells: readonly CommsCell[], areServicesHeld = false): ReadonlySet<string> {
  const isRetained = (part: ManagedPart) =>
    realm.spec[part].type !== 'Managed' && (areServicesHeld || cells.some((cell) => usesManagedServer(realm, cell, part)))
  return new Set([
    ...(isRetained('nats') ? [partName(realm, 'nats'), natsPeersName(realm.metadata.name)] : []),
    ...(isRetained('livekit') ? [partName(realm, 'livekit'), livekitMediaName(realm)] : []),
  ])
}

/** What routes lead to for cells that are not replaced yet, whatever the spec of the realm says by now. */
export interface RetainedRoutes {
  /** Whether a cell tells players that the signalling of the Managed LiveKit is at the host of the realm. */
  signalling: boolean
  /** Whether a cell has embedded rooms. */
  rooms: boolean
  /** The cell with the rooms of a slot, where the slot itself leads to a cell that has none. */
  roomsCells: ReadonlyMap<number, string>
}

export const NO_RETAINED_ROUTES: RetainedRoutes = { signalling: false, rooms: false, roomsCells: new Map() }

/** @param routes the cell that answers at each slot's URL */
export function retainedRoutes(
  realm: Realm,
  cells: readonly CommsCell[],
  routes: readonly { slot: number; cell: string }[],
): RetainedRoutes {
  const atHost = hostUrl(realm.spec.exposure, 'ws')
  const hasRooms = ({ spec }: CommsCell) => !spec.livekit
  // Two cells of a slot have one active archipelago, of the old cell or of the new one. Its rooms are for the players of both.
  const roomsCells = routes.flatMap(({ slot, cell }): [number, string][] => {
    const routed = cells.find(({ metadata }) => metadata.name === cell)
    if (!routed || hasRooms(routed)) return []
    const other = cells.find((each) => each.spec.slot === slot && hasRooms(each))
    return other ? [[slot, other.metadata.name]] : []
  })
  return {
    signalling: cells.some((cell) => usesManagedServer(realm, cell, 'livekit') && cell.spec.livekit?.url === atHost),
    rooms: cells.some(hasRooms),
    roomsCells: new Map(roomsCells),
  }
}
