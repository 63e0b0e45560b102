import { randomUUID } from 'node:crypto'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { TrustedProxies } from '../../chassis/client-address.ts'
import type { Clock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import { type HttpRequest, ok } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import { grants } from '../../rtc/grants.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'
import type { castRoutes } from '../api/cast-routes.ts'
import type { ApiHandlers } from '../api/declaration.ts'
import { uuidWithKey } from '../core/cast-identities.ts'
import { isWorld } from '../core/scene-access.ts'
import { parcelOf } from '../core/scene-location.ts'
import { livekitOf } from '../livekit/livekit-of.ts'
import { QueryLimit } from '../query-limit.ts'
import type { SceneBanList } from '../scenes/scene-ban-list.ts'
import type { StreamKeys } from '../streams/stream-keys.ts'
import type { StreamAccess, StreamRecords } from '../streams/stream-records.ts'
import { demandUnbanned, type StreamTargetsOptions, targetOf } from '../streams/stream-targets.ts'
import type { Places, ScenePlace } from '../upstream/places.ts'
import { type PresenterHandlersOptions, presenterHandlers } from './presenter-handlers.ts'
import type { SealedWallets } from './sealed-wallets.ts'

export interface CastHandlersOptions extends StreamTargetsOptions, PresenterHandlersOptions {
  streamKeys: StreamKeys
  streams: Pick<StreamRecords, 'activeOf' | 'byKey' | 'byRoom'>
  sceneBans: Pick<SceneBanList, 'known' | 'placesOf'>
  places: Pick<Places, 'placeOf'>
  transport: RoomTransport | undefined
  /** Undefined where the rooms are not those of a LiveKit. */
  sealedWallets: SealedWallets | undefined
  /** Base URL of the links. */
  castUrl: string
  proxies: TrustedProxies
  clock: Clock
}

const DAY_MS = 24 * 3_600_000
const PREVIEW = 'Local Preview'

/** Handlers of streams from and to browsers (gatekeeper.md §4.12). */
export function castHandlers(options: CastHandlersOptions): ApiHandlers<typeof castRoutes> {
  const { streamKeys, streams, transport, clock, presenters } = options
  const limit = new QueryLimit(options.proxies)
  /** The key of a request from anywhere, or the answer to one too many: so that none is found by trying. */
  const opened = async (http: HttpRequest, key: string, refusal: Refusal, expired = refusal) => {
    const answer = limit.refusalTo(http, clock.monotonic())
    if (answer) return { answer }
    const access = await streams.byKey(key)
    if (!access?.room) throw refusal
    if (access.expiresAt <= clock.now()) throw expired
    return { access }
  }

  return {
    ...presenterHandlers(options),
    async streamLink({ caller }) {
      await demandUnbanned(options, caller)
      const refusal = new Refusal('FORBIDDEN', 'Only scene administrators can generate stream links')
      const noScene = 'sceneId is required in authMetadata for Cast2 chat functionality'
      const target = await targetOf(options, caller, refusal, noScene)
      livekitOf(transport)
      return linksOf(await streamKeys.keyOf(target, { needsEndpoint: false }), options.castUrl, clock.now())
    },
    async streamerToken({ body: { token: key, identity: displayName }, http }) {
      const { answer, access } = await opened(http, key, invalidKey(), expiredKey())
      if (answer) return answer
      const { room, placeId, id } = access
      const identity = `stream:${placeId}:${uuidWithKey(id, randomUUID())}`
      const metadata = JSON.stringify({ role: 'streamer', displayName })
      const livekit = livekitOf(transport)
      const token = livekit.token({ identity, room, grant: grants.streamer, metadata, name: displayName })
      await presenters.addStreamer(room, identity, clock.now())
      return ok({ url: livekit.url, token, roomId: room, identity })
    },
    async watcherToken({ caller, body, http }) {
      const answer = limit.refusalTo(http, clock.monotonic())
      if (answer) return answer
      if (caller) await demandUnbanned(options, caller)
      const { access, place } = await watchedAt(options, body.location, body.parcel, caller?.wallet)
      const { room } = access
      const suffix = caller && options.sealedWallets ? options.sealedWallets.seal(caller.wallet) : randomUUID()
      const identity = `watch:${room}:${suffix}`
      const metadata = JSON.stringify({ role: 'watcher', displayName: body.identity, roomId: room })
      const livekit = livekitOf(transport)
      const token = livekit.token({ identity, room, grant: grants.listener, metadata, name: body.identity })
      return ok({ url: livekit.url, token, roomId: room, identity, placeName: nameOf(place) ?? body.location })
    },
    async presentationBotToken({ body: { streamingKey }, http }) {
      const { answer, access } = await opened(http, streamingKey, invalidKey(), expiredKey())
      if (answer) return answer
      const { room, id } = access
      const identity = `presentation-bot:${room}:${uuidWithKey(id, randomUUID())}`
      const livekit = livekitOf(transport)
      const metadata = JSON.stringify({ role: 'presentation' })
      const token = livekit.token({ identity, room, grant: grants.presentationBot, metadata })
      return ok({ url: livekit.url, token, roomId: room })
    },
    async streamInfo({ params, http }) {
      const { answer, access } = await opened(http, params.streamingKey, new Refusal('NOT_FOUND', 'No such streaming key'))
      if (answer) return answer
      const { place, placeId } = access
      return ok({
        ...{ placeName: place ? (nameOf(place) ?? placeId) : PREVIEW, placeId },
        ...{ location: locationOf(place), isWorld: place?.world !== undefined },
      })
    },
  }
}

const invalidKey = () => new Refusal('UNAUTHORIZED', 'Invalid or expired streaming token')
const expiredKey = () => new Refusal('UNAUTHORIZED', 'Streaming token has expired')

const nameOf = ({ title, world }: ScenePlace): string | undefined => title || world
const locationOf = (place: ScenePlace | undefined): string => place?.world ?? place?.base ?? 'none'

function linksOf({ key, place, placeId, expiresAt }: StreamAccess, castUrl: string, nowMs: number): HttpResponse {
  const base = withoutTrailingSlash(castUrl)
  return ok({
    streamLink: `${base}/s/${key}`,
    watcherLink: `${base}/w/${locationOf(place)}`,
    streamingKey: key,
    ...{ placeId, placeName: place ? (nameOf(place) ?? placeId) : PREVIEW },
    ...{ expiresAt: new Date(expiresAt).toISOString(), expiresInDays: Math.ceil((expiresAt - nowMs) / DAY_MS) },
  })
}

/** What is streamed to a place that a watcher names. */
async function watchedAt(
  { places, streams, sceneBans, clock }: CastHandlersOptions,
  location: string,
  parcelText: string | undefined,
  wallet: `0x${string}` | undefined,
): Promise<{ access: StreamAccess; place: ScenePlace }> {
  const world = isWorld(location) ? location.toLowerCase() : undefined
  const parcel = parcelOf(world === undefined ? location : (parcelText ?? '0,0'))
  if (parcel === undefined) throw new Refusal('INVALID', 'The location is neither a parcel nor the name of a world')
  const place = await places.placeOf({ world, sceneId: undefined, parcel })
  const nothing = () => new Refusal('NOT_FOUND', `No active stream found for ${location}`)
  if (!place) throw nothing()
  if (wallet) {
    if (!sceneBans.known) throw new Refusal('UNAVAILABLE', 'The scene bans have not been read yet')
    if (sceneBans.placesOf(wallet).has(place.id)) throw new Refusal('FORBIDDEN', 'You are banned from this scene')
  }
  const access = await streams.activeOf(place.id)
  if (!access?.room) throw nothing()
  if (access.expiresAt <= clock.now())
    throw new Refusal('UNAUTHORIZED', 'Stream access has expired. Please generate a new stream link.')
  return { access, place }
}
