import type { IncomingMessage } from 'node:http'
import type { HostedWorld } from '../../../crds/world.ts'
import { cloudflareClientAddress, isInternalAddress, type TrustedProxies } from '../../chassis/client-address.ts'
import type { Clock } from '../../chassis/clock.ts'
import { withDeadline } from '../../chassis/deadline.ts'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import { type HttpRequest, json, ok } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { Log } from '../../chassis/log.ts'
import type { DenyList } from '../../identity/deny-list.ts'
import type { LivekitTransport } from '../../rtc/livekit-transport.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { ApiHandlers, SignedCaller } from '../api/declaration.ts'
import type { hostedWorldRoutes } from '../api/world-routes.ts'
import type { BanList } from '../ban-list.ts'
import type { ConnectionRecorder } from '../connection-recorder.ts'
import { deviceIdOf, objectionToSceneCode } from '../core/scene-access.ts'
import type { GatekeeperMetrics } from '../metrics.ts'
import { QueryLimit } from '../query-limit.ts'
import type { WorldHosting } from './hosting.ts'
import { type Client, judgeAccess, SecretTries, secretIn } from './world-access.ts'
import { sceneRoomOf } from './world-list.ts'

/** What the routes of worlds decide by. */
export interface WorldHandlersOptions {
  hosting: Pick<WorldHosting, 'worlds' | 'occupancy' | 'worldSecretOf'>
  bans: Pick<BanList, 'known' | 'against'>
  denyList: DenyList
  transport: RoomTransport | LivekitTransport | undefined
  connections: Pick<ConnectionRecorder, 'record'>
  proxies: TrustedProxies
  trustsCloudflare: boolean
  clock: Clock
  log: Log
  metrics: Pick<GatekeeperMetrics, 'worldAnswers' | 'banQueriesLimited'>
}

const OPEN_ROOM_TIMEOUT_MS = 5_000
const RETRY_AFTER = { 'retry-after': '5' }

/** Labels of the metric. */
type Outcome =
  | 'granted'
  | 'scene_code'
  | 'limited'
  | 'banned'
  | 'denied'
  | 'unknown'
  | 'closed'
  | 'no_scene'
  | 'full'
  | 'unavailable'

// `error` for Unity, `message` for Godot and ADR-180.
const refused = (status: number, text: string, headers = {}): HttpResponse =>
  json(status, { error: text, message: text }, headers)

/** Handlers of the routes of worlds, with the refusals of gatekeeper.md §9.2 in their order. */
export function worldHandlers(options: WorldHandlersOptions): ApiHandlers<typeof hostedWorldRoutes> {
  const tries = new SecretTries()
  const limit = new QueryLimit(options.proxies)
  const enter = async (caller: SignedCaller, name: string, scene: string | undefined, http: HttpRequest) => {
    const [outcome, answer] = await unlessUnavailable(() => decide(options, tries, caller, { name, scene }, http))
    options.metrics.worldAnswers.inc({ outcome })
    return answer
  }
  return {
    worldComms: ({ caller, params, http }) => enter(caller, params.world, undefined, http),
    worldSceneComms: ({ caller, params, http }) => enter(caller, params.world, params.scene, http),
    async liveData({ http }) {
      const wait = exceeded(options, limit, http)
      if (wait) return wait
      const { hosting, clock } = options
      const { worlds, occupancy } = hosting
      const counts = (await occupancy?.counts(worlds.all)) ?? new Map<string, number>()
      const perWorld = [...counts].map(([worldName, users]) => ({ worldName, users }))
      const totalUsers = perWorld.reduce((sum, { users }) => sum + users, 0)
      return ok({ data: { totalUsers, perWorld }, lastUpdated: new Date(clock.now()).toISOString() })
    },
  }
}

async function unlessUnavailable(work: () => Promise<[Outcome, HttpResponse]>): Promise<[Outcome, HttpResponse]> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'UNAVAILABLE') throw error
    return ['unavailable', refused(503, error.message, RETRY_AFTER)]
  }
}

async function decide(
  options: WorldHandlersOptions,
  tries: SecretTries,
  { wallet, metadata, format }: SignedCaller,
  asked: { name: string; scene: string | undefined },
  http: HttpRequest,
): Promise<[Outcome, HttpResponse]> {
  const { bans, denyList, connections, clock } = options
  const { worlds, occupancy } = options.hosting
  const objection = objectionToSceneCode(metadata)
  if (objection) return ['scene_code', refused(400, `Access denied, ${objection}`)]
  const world = worlds.find(asked.name)
  const client = clientOf(options, http)
  const waitMs = world ? tries.waitMs(world.name, client, clock.monotonic()) : 0
  if (waitMs > 0) {
    const text = `Too many wrong secrets for world "${asked.name}". Wait a minute, then try again.`
    return ['limited', refused(429, text, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })]
  }
  const deviceId = deviceIdOf(metadata.deviceIdentifier)
  const ipAddress = options.trustsCloudflare ? cloudflareClientAddress(http.headers) : undefined
  connections.record({ address: wallet, ipAddress, deviceId })
  if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
  if (bans.against({ address: wallet, deviceId })) return ['banned', refused(401, 'Access denied, platform-banned user.')]
  if (!denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
  if (denyList.has(wallet)) return ['denied', refused(401, 'Access denied, deny-listed wallet.')]
  if (!worlds.known) throw new Refusal('UNAVAILABLE', 'The worlds have not been read yet')
  if (!world || !occupancy) return ['unknown', refused(404, `World "${asked.name}" is invalid or blocked.`)]
  const closed = await objectionToVisitor(options, tries, world, { wallet, metadata, format }, client)
  if (closed) return ['closed', closed]
  const room = asked.scene === undefined ? world.room : roomOfScene(world, asked.scene)
  if (room === undefined) return ['no_scene', refused(404, `Scene "${asked.scene}" not found in world "${asked.name}".`)]
  if (!(await occupancy.admit(world, wallet)))
    return ['full', refused(503, `World "${asked.name}" has reached its maximum capacity.`, RETRY_AFTER)]
  return ['granted', ok({ fixedAdapter: await openRoom(options, wallet, room) })]
}

function roomOfScene(world: HostedWorld, sceneId: string): string | undefined {
  const alike = world.scenes.filter((known) => known.toLowerCase() === sceneId.toLowerCase())
  // Some clients write it in lower case; of several that differ by their case only the one that is written so is meant.
  const scene = alike.length === 1 ? alike[0] : alike.find((known) => known === sceneId)
  return scene && sceneRoomOf(world, scene)
}

async function objectionToVisitor(
  { hosting: { worldSecretOf }, clock }: WorldHandlersOptions,
  tries: SecretTries,
  world: HostedWorld,
  { wallet, metadata, format }: Omit<SignedCaller, 'spelled'>,
  client: Client,
): Promise<HttpResponse | undefined> {
  const verdict = judgeAccess(world, { wallet, secret: secretIn(metadata), format }, worldSecretOf)
  if (verdict === 'allowed') {
    if (world.access.type === 'SharedSecret') tries.forget(world.name, client)
    return undefined
  }
  if (verdict === 'wrongSecret') tries.count(world.name, client, clock.monotonic())
  return refused(verdict === 'denied' ? 401 : 403, `You are not allowed to access world "${world.name}".`)
}

function clientOf({ proxies }: Pick<WorldHandlersOptions, 'proxies'>, { headers, remoteAddress }: HttpRequest): Client {
  const { network } = proxies.clientOf({ headers, socket: { remoteAddress } as IncomingMessage['socket'] })
  return { network, isInside: headers['x-forwarded-for'] === undefined && isInternalAddress(remoteAddress) }
}

async function openRoom({ transport, clock, log }: WorldHandlersOptions, wallet: PeerId, room: string): Promise<string> {
  if (!transport)
    throw new Refusal('UNAVAILABLE', 'This gatekeeper has no rooms: neither LiveKit nor embedded rooms are configured')
  try {
    const opened = Promise.resolve(transport.connectionString(wallet, room, 'scene'))
    const adapter = await withDeadline(opened, { clock, ms: OPEN_ROOM_TIMEOUT_MS, what: 'opening a room' })
    if (adapter !== undefined) return adapter
  } catch (error) {
    log.warn({ peer: wallet, room, error: messageOf(error) }, 'a room of a world could not be opened')
  }
  throw new Refusal('UNAVAILABLE', 'The room cannot be opened now')
}

function exceeded(
  { clock, metrics }: WorldHandlersOptions,
  limit: QueryLimit,
  { headers, remoteAddress }: HttpRequest,
): HttpResponse | undefined {
  const waitMs = limit.waitMs({ headers, remoteAddress }, clock.monotonic())
  if (waitMs === 0) return undefined
  metrics.banQueriesLimited.inc()
  return json(429, { error: 'Too many queries from this address' }, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
}
