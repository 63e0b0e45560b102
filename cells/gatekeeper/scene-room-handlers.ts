import { LRUCache } from 'lru-cache'
import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import { ok } from '../chassis/http.ts'
import type { DenyList } from '../identity/deny-list.ts'
import { grants } from '../rtc/grants.ts'
import type { LivekitRooms } from '../rtc/livekit-rooms.ts'
import type { LivekitTransport } from '../rtc/livekit-transport.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import type { ApiHandlers } from './api/declaration.ts'
import type { sceneRoomRoutes } from './api/room-routes.ts'
import type { BanList } from './ban-list.ts'
import { type RoomPrefixes, roomOfScene, walletOf } from './core/room-names.ts'
import { isWorld, objectionToSceneCode } from './core/scene-access.ts'
import { isPreviewRealm, parcelOf } from './core/scene-location.ts'
import { livekitOf } from './livekit/livekit-of.ts'
import { QueryLimit } from './query-limit.ts'
import { claimedRoom } from './scenes/claimed-room.ts'
import { claimIn } from './scenes/scene-administration.ts'
import type { Places } from './upstream/places.ts'
import type { Worlds } from './upstream/worlds.ts'

/** What the rooms of scenes need, for others than players. */
export interface SceneRoomHandlersOptions {
  bans: Pick<BanList, 'known' | 'against'>
  denyList: DenyList
  transport: RoomTransport | LivekitTransport | undefined
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { rooms: Pick<LivekitRooms, 'participants'> } | undefined
  places: Pick<Places, 'sceneOf'>
  worlds: Pick<Worlds, 'sceneAt'>
  prefixes: Pick<RoomPrefixes, 'scene' | 'world'>
  /** Beginning of the names of the rooms that a whole world has. */
  wholeWorldPrefix: string
  realmName: string
  /** Undefined where the realm has none. */
  authoritativeServer: PeerId | undefined
  allowsPreview: boolean
  proxies: TrustedProxies
  clock: Clock
}

const AUTHORITATIVE_SERVER = 'authoritative-server'
const PARTICIPANTS_LIFETIME_MS = 5_000
const MAX_ROOMS = 5_000

/** Handlers of the rooms of scenes (gatekeeper.md §4.2 and §4.7). */
export function sceneRoomHandlers(options: SceneRoomHandlersOptions): ApiHandlers<typeof sceneRoomRoutes> {
  const { bans, denyList, transport, control, clock, authoritativeServer, allowsPreview } = options
  const limit = new QueryLimit(options.proxies)
  const addresses = new LRUCache<string, PeerId[]>({
    ...{ max: MAX_ROOMS, ttl: PARTICIPANTS_LIFETIME_MS, ttlResolution: 0, perf: { now: () => 1 + clock.monotonic() } },
    ignoreFetchAbort: true,
    fetchMethod: async (room) => addressesOf((await control?.rooms.participants(room)) ?? []),
  })

  return {
    async serverAdapter({ caller }) {
      const { wallet, metadata } = caller
      if (objectionToSceneCode(metadata))
        throw new Refusal('UNAUTHORIZED', 'Access denied, invalid signed-fetch request, scene code may not join rooms')
      if (!denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
      if (denyList.has(wallet)) throw new Refusal('UNAUTHORIZED', 'Access denied, deny-listed wallet')
      const claimed = claimIn(caller)
      if (claimed.sceneId === undefined) throw new Refusal('INVALID', 'Access denied, invalid signed-fetch request, no sceneId')
      const isPreview = allowsPreview && isPreviewRealm(claimed.realmName)
      if (!isPreview && wallet !== authoritativeServer)
        throw new Refusal('UNAUTHORIZED', 'Access denied, invalid server public key')
      if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
      if (bans.against({ address: wallet })) throw new Refusal('FORBIDDEN', 'Access denied, platform-banned user')
      const room = await claimedRoom(options, claimed)
      return ok({ adapter: livekitOf(transport).adapter({ identity: AUTHORITATIVE_SERVER, room, grant: grants.player }) })
    },
    async participants({ query, http }) {
      const refusal = limit.refusalTo(http, clock.monotonic())
      if (refusal) return refusal
      livekitOf(transport)
      const room = await askedRoom(options, query.pointer || undefined, query.realm_name || undefined)
      return ok({ ok: true, data: { addresses: (await addresses.fetch(room)) ?? [] } })
    },
  }
}

/** The room that a query for participants is about. */
async function askedRoom(
  { places, prefixes, wholeWorldPrefix, realmName: ownRealm }: SceneRoomHandlersOptions,
  pointer: string | undefined,
  realmName: string | undefined,
): Promise<string> {
  const world = realmName !== undefined && isWorld(realmName) ? realmName.toLowerCase() : undefined
  if (pointer === undefined) {
    if (world !== undefined) return wholeWorldPrefix + world
    throw new Refusal(
      'INVALID',
      realmName === undefined
        ? 'Either pointer or realm_name must be provided'
        : 'Either pointer with realm_name or a world realm_name must be provided',
    )
  }
  const parcel = parcelOf(pointer)
  if (parcel === undefined) throw new Refusal('INVALID', 'Invalid pointer')
  const scene = await places.sceneOf({ world, sceneId: undefined, parcel })
  const room = scene && roomOfScene(prefixes, { world, realmName: realmName ?? ownRealm, sceneId: scene.sceneId })
  if (room === undefined) throw new Refusal('NOT_FOUND', `No scene found at ${parcel}`)
  return room
}

/** The players among participants: servers, streamers and watchers have no wallet in their identity. */
const addressesOf = (participants: readonly { identity: string }[]): PeerId[] => [
  ...new Set(participants.flatMap(({ identity }) => walletOf(identity.toLowerCase()) ?? [])),
]
