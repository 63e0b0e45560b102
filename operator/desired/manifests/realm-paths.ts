import type { Realm } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { NO_RETAINED_ROUTES, type RetainedRoutes } from '../cells/retained.ts'
import { isSignallingRouted } from '../livekit-media.ts'
import { partName, roomsServiceName, slotServiceName } from '../naming.ts'

/** The most slots that a realm may have (`cells.max`). */
export const MAX_SLOTS = 32

/** The port of the signalling of a Managed LiveKit. */
export const LIVEKIT_PORT = 7880

/** Beginnings of paths at a host that lead to one Service. */
export interface ServicePaths {
  service: string
  /** Of the Service, where it is not that of the project's services. */
  port?: number
  paths: readonly string[]
}

/** What a host of a realm leads to, by paths of which the longest that fits counts. */
export interface RealmPaths {
  /** Of each slot below `cells.max`, whether a cell is there or not, so that scaling and rollouts change no route. */
  slots: readonly (readonly ServicePaths[])[]
  services: readonly ServicePaths[]
}

/** The description of the realm and its content, at the realm's own host: a route reaches no Service of another namespace. */
const OF_PROVIDER = ['/about', '/scenes', '/content', '/lambdas']

/** Below the URL of a LiveKit, its clients request nothing else; its API for servers stays inside the cluster. */
const OF_LIVEKIT = ['/rtc']

/** The paths at the own host of a realm. */
export function realmPaths(realm: Realm, retained: RetainedRoutes = NO_RETAINED_ROUTES): RealmPaths {
  const { name } = realm.metadata
  const gatekeeper = partName(realm, 'gatekeeper')
  const hasRooms = realm.spec.livekit.type === 'None' || retained.rooms
  const livekit =
    isSignallingRouted(realm) || retained.signalling
      ? [{ service: partName(realm, 'livekit'), port: LIVEKIT_PORT, paths: OF_LIVEKIT }]
      : []
  if (isWorldRealm(realm))
    return { slots: [], services: [{ service: gatekeeper, paths: ['/gatekeeper', ...OF_PROVIDER] }, ...livekit] }
  return {
    slots: Array.from({ length: realm.spec.cells.max }, (_, slot) => [
      ...(hasRooms ? [{ service: roomsServiceName(name, slot), paths: [`/cells/${slot}/rooms`] }] : []),
      { service: slotServiceName(name, slot), paths: [`/cells/${slot}`] },
    ]),
    services: [
      { service: gatekeeper, paths: ['/gatekeeper'] },
      { service: partName(realm, 'stats'), paths: ['/stats', ...OF_PROVIDER] },
      ...livekit,
    ],
  }
}

/** What a gatekeeper has for others than the operator and monitors: its metrics and the routes of probes are at the root too. */
export const OF_GATEKEEPER =
  `/bans /cast /community-voice-chat /get-scene-adapter /get-server-scene-adapter /live-data /livekit-webhook
  /moderation /openapi.json /ping /private-messages /private-voice-chat /scene-admin /scene-bans /scene-participants
  /scene-stream-access /status /users /worlds`.split(/\s+/)

/** The paths at the further hosts of a gatekeeper. */
export const gatekeeperPaths = (realm: Realm): ServicePaths => ({
  service: partName(realm, 'gatekeeper'),
  paths: OF_GATEKEEPER,
})
