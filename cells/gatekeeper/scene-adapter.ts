import { cloudflareClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { httpStatusOf, messageOf, Refusal } from '../chassis/errors.ts'
import { type Handler, type HttpRequest, json, ok } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import type { Log } from '../chassis/log.ts'
import { noTracer, type Tracer } from '../chassis/tracing.ts'
import type { DenyList } from '../identity/deny-list.ts'
import { grants } from '../rtc/grants.ts'
import type { LivekitTransport } from '../rtc/livekit-transport.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import { tooManyRequests } from './api/callers.ts'
import type { SignedRequests } from './api/signed-requests.ts'
import type { BanList } from './ban-list.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { type Denial, decideScene, objectionToSceneCode, readSceneClaim } from './core/scene-access.ts'
import type { RoomMetadata } from './livekit/room-metadata.ts'
import type { GatekeeperMetrics } from './metrics.ts'
import type { SceneGate } from './scenes/scene-gate.ts'
import type { SceneLocation } from './upstream/places.ts'
import type { WorldHosting } from './worlds/hosting.ts'

/** Everything that decides about a token, and the transport that makes it. */
export interface SceneAdapterDependencies {
  signed: Pick<SignedRequests, 'check'>
  bans: Pick<BanList, 'known' | 'against'>
  sceneGate: Pick<SceneGate, 'isBanned'>
  /** The worlds of this gatekeeper, whose scenes only those may enter who may enter the world. */
  hosting: Pick<WorldHosting, 'worlds' | 'admitsToScene'>
  denyList: DenyList
  /** Undefined where the realm has neither LiveKit nor embedded rooms. */
  transport: RoomTransport | LivekitTransport | undefined
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { metadata: Pick<RoomMetadata, 'forToken'> } | undefined
  connections: ConnectionRecorder
  /** Whether `cf-connecting-ip` is written by Cloudflare, and not by the client. */
  trustsCloudflare: boolean
  roomPrefix: string
  clock: Clock
  log: Log
  metrics: GatekeeperMetrics
  tracer?: Tracer | undefined
}

const OPEN_ROOM_TIMEOUT_MS = 5_000
/** Explorers retry after the same time without being asked to. */
const RETRY_AFTER_SECONDS = '5'

const SCENE_BAN: Denial = { outcome: 'scene_banned', code: 'FORBIDDEN', message: 'User is banned from this scene' }

const WORLD_CLOSED: Denial = {
  outcome: 'world_closed',
  code: 'UNAUTHORIZED',
  message: 'Access denied, you are not authorized to access this world',
}

/** An answer, and its label in the metrics. */
interface Outcome {
  outcome: Denial['outcome'] | 'granted' | 'limited' | 'unavailable'
  answer: HttpResponse
}

/**
 * `POST /get-scene-adapter`: returns the address and the token with which a player enters the room of a scene (gatekeeper.md
 * §4.1).
 */
export class SceneAdapter {
  readonly #dependencies: SceneAdapterDependencies

  constructor(dependencies: SceneAdapterDependencies) {
    this.#dependencies = dependencies
  }

  /** Ignores the body. */
  readonly handle: Handler = (request) => {
    const { clock, metrics, tracer = noTracer } = this.#dependencies
    const { traceparent } = request.headers
    const caller = typeof traceparent === 'string' ? traceparent : undefined
    return tracer.during('scene token', { kind: 'server', isRoot: true, caller }, async (span) => {
      const startMs = clock.monotonic()
      await request.body() // Godot sends one; if it were not read, a refusal would close the connection while it is being sent
      const { outcome, answer } = await this.#answer(request)
      metrics.answers.inc({ outcome })
      metrics.seconds.observe((clock.monotonic() - startMs) / 1000)
      span.set({ outcome, status: answer.status })
      if (answer.status >= 500) span.fail(outcome)
      return answer
    })
  }

  async #answer(request: HttpRequest): Promise<Outcome> {
    try {
      return await this.#decide(request)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'UNAVAILABLE') throw error
      return { outcome: 'unavailable', answer: json(503, { error: error.message }, { 'retry-after': RETRY_AFTER_SECONDS }) }
    }
  }

  async #decide(request: HttpRequest): Promise<Outcome> {
    const {
      signed,
      bans,
      sceneGate,
      hosting,
      denyList,
      connections,
      trustsCloudflare,
      roomPrefix,
      tracer = noTracer,
    } = this.#dependencies
    const verdict = await signed.check(request, '/get-scene-adapter', objectionToSceneCode)
    if ('rejection' in verdict) return unsigned
    if ('waitMs' in verdict) return { outcome: 'limited', answer: tooManyRequests(verdict.waitMs) }
    const { wallet, metadata, spelled } = verdict.claim

    const claim = readSceneClaim(metadata, spelled)
    if ('outcome' in claim) return denied(claim)
    const world = hosting.worlds.ofRealm(claim.realmName)
    const ipAddress = trustsCloudflare ? cloudflareClientAddress(request.headers) : undefined
    connections.record({ address: wallet, ipAddress, deviceId: claim.deviceId })
    if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
    const banned = bans.against({ address: wallet, deviceId: claim.deviceId }) !== undefined
    if (!banned && !denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
    const decision = decideScene(
      { ...claim, realmName: world?.realmName ?? claim.realmName },
      { banned, denied: denyList.has(wallet) },
      roomPrefix,
    )
    if ('outcome' in decision) return denied(decision)
    const { sceneId, parcel } = claim
    // Bans from scenes are kept by places of the land, where a world is not.
    if (world && !(await hosting.admitsToScene(world, wallet, verdict.claim))) return denied(WORLD_CLOSED)
    if (!world && (await sceneGate.isBanned(wallet, { world: undefined, sceneId, parcel }))) return denied(SCENE_BAN)
    const location = world ? undefined : { world: undefined, sceneId, parcel }
    const adapter = await tracer.during('open room', {}, () => this.#openRoom(wallet, decision.room, location))
    return { outcome: 'granted', answer: ok({ adapter }) }
  }

  async #openRoom(wallet: PeerId, room: string, location: SceneLocation | undefined): Promise<string> {
    const { transport, control, clock, log } = this.#dependencies
    if (!transport)
      throw new Refusal('UNAVAILABLE', 'This realm has no scene rooms: neither LiveKit nor embedded rooms are configured')
    try {
      if ('adapter' in transport) {
        const roomMetadata = location && (await control?.metadata.forToken(room, location))
        return transport.adapter({ identity: wallet, room, grant: grants.player, roomMetadata })
      }
      const opened = Promise.resolve(transport.connectionString(wallet, room, 'scene'))
      const connStr = await withDeadline(opened, { clock, ms: OPEN_ROOM_TIMEOUT_MS, what: 'opening a room' })
      if (connStr !== undefined) return connStr
    } catch (error) {
      log.warn({ peer: wallet, room, error: messageOf(error) }, 'a scene room could not be opened')
      throw new Refusal('UNAVAILABLE', 'The room cannot be opened now')
    }
    throw new Refusal('FORBIDDEN', 'Access denied, the room is closed to this wallet')
  }
}

// §2.4 SF-any: the same answer whatever the cause.
const unsigned: Outcome = { outcome: 'unsigned', answer: json(401, { error: 'Access denied, invalid signed-fetch request' }) }

const denied = ({ outcome, code, message }: Denial): Outcome => ({
  outcome,
  answer: json(httpStatusOf[code], { error: message }),
})
