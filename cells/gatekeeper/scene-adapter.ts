import type { Socket } from 'node:net'
import { type ClientAddress, cloudflareClientAddress, type TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { httpStatusOf, messageOf, Refusal } from '../chassis/errors.ts'
import { type Handler, type HttpRequest, type HttpResponse, json, ok } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import type { BanList } from './ban-list.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { type Denial, decideScene, objectionToSceneCode, readSceneClaim } from './core/scene-access.ts'
import { type Rejection, readSignedRequest, type SignedClaim } from './core/signed-request.ts'
import type { WalletLimit } from './core/wallet-limit.ts'
import type { GatekeeperMetrics } from './metrics.ts'

/** Everything that decides about a token, and the transport that makes it. */
export interface SceneAdapterDependencies {
  verifier: ChainVerifier
  bans: Pick<BanList, 'known' | 'against'>
  denyList: DenyList
  /** Undefined where the realm has neither LiveKit nor embedded rooms. */
  transport: RoomTransport | undefined
  connections: ConnectionRecorder
  proxies: TrustedProxies
  /** Whether `cf-connecting-ip` is written by Cloudflare, and not by the client. */
  trustsCloudflare: boolean
  limit: WalletLimit
  roomPrefix: string
  /** The path at which clients send these requests, where a proxy in front of this process removes a part of it. */
  publicPath: string | undefined
  clock: Clock
  log: Log
  metrics: GatekeeperMetrics
}

const SIGNATURE_TIMEOUT_MS = 10_000
const OPEN_ROOM_TIMEOUT_MS = 5_000
/** Explorers retry after the same time without being asked to. */
const RETRY_AFTER_SECONDS = '5'

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
  readonly handle: Handler = async (request) => {
    const { clock, metrics } = this.#dependencies
    const startMs = clock.monotonic()
    await request.body() // Godot sends one; if it were not read, a refusal would close the connection while it is being sent
    const { outcome, answer } = await this.#answer(request)
    metrics.answers.inc({ outcome })
    metrics.seconds.observe((clock.monotonic() - startMs) / 1000)
    return answer
  }

  async #answer(request: HttpRequest): Promise<Outcome> {
    try {
      return await this.#decide(request)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'UNAVAILABLE') throw error
      return { outcome: 'unavailable', answer: json(503, { error: error.message }, { 'retry-after': RETRY_AFTER_SECONDS }) }
    }
  }

  async #decide({ method, path, headers, remoteAddress }: HttpRequest): Promise<Outcome> {
    const { clock, limit, metrics, bans, denyList, connections, trustsCloudflare, roomPrefix, publicPath } = this.#dependencies
    const nowMs = clock.now()
    const read = readSignedRequest({ method, path, publicPath, headers, nowMs, objection: objectionToSceneCode })
    if ('rejection' in read) return this.#unsigned(read.rejection)
    const { wallet, metadata, format } = read.claim
    const waitMs = limit.waitMs(wallet, clock.monotonic())
    if (waitMs > 0) return tooManyRequests(waitMs)
    const rejection = await this.#checkSignature(read.claim, this.#clientOf({ headers, remoteAddress }), nowMs)
    if (rejection) return this.#unsigned(rejection)
    metrics.signed.inc({ format })
    limit.count(wallet, clock.monotonic())

    const claim = readSceneClaim(metadata)
    if ('outcome' in claim) return denied(claim)
    const ipAddress = trustsCloudflare ? cloudflareClientAddress(headers) : undefined
    connections.record({ address: wallet, ipAddress, deviceId: claim.deviceId })
    if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
    const banned = bans.against({ address: wallet, deviceId: claim.deviceId }) !== undefined
    if (!banned && !denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
    const decision = decideScene(claim, { banned, denied: denyList.has(wallet) }, roomPrefix)
    if ('outcome' in decision) return denied(decision)
    return { outcome: 'granted', answer: ok({ adapter: await this.#openRoom(wallet, decision.room) }) }
  }

  /**
   * Whether the wallet that a request claims has signed it, the last step of gatekeeper.md §2.3; undefined when it has.
   *
   * @throws Refusal UNAVAILABLE when that cannot be checked now. Upstream answers 401 whatever the cause, but explorers take 401
   * for "forbidden here", so an overload must not look like it.
   */
  async #checkSignature({ chain, payload }: SignedClaim, client: ClientAddress, nowMs: number): Promise<Rejection | undefined> {
    const { verifier, clock } = this.#dependencies
    const deadline = { clock, ms: SIGNATURE_TIMEOUT_MS, what: 'checking a signature' }
    const verdict = await withDeadline(verifier.verify({ chain, payload, nowMs }, client), deadline).catch(
      (error: unknown) => ({ ok: false, undecided: true, reason: messageOf(error) }) as const,
    )
    if (verdict.ok) return undefined
    if (verdict.undecided) throw new Refusal('UNAVAILABLE', `The signature could not be checked: ${verdict.reason}`)
    return { status: 401, cause: 'signature', message: `Invalid signature: ${verdict.reason}` }
  }

  #clientOf({ headers, remoteAddress }: Pick<HttpRequest, 'headers' | 'remoteAddress'>): ClientAddress {
    return this.#dependencies.proxies.clientOf({ headers, socket: { remoteAddress } as Socket })
  }

  async #openRoom(wallet: PeerId, room: string): Promise<string> {
    const { transport, clock, log } = this.#dependencies
    if (!transport)
      throw new Refusal('UNAVAILABLE', 'This realm has no scene rooms: neither LiveKit nor embedded rooms are configured')
    try {
      const opened = Promise.resolve(transport.connectionString(wallet, room, 'scene'))
      return await withDeadline(opened, { clock, ms: OPEN_ROOM_TIMEOUT_MS, what: 'opening a room' })
    } catch (error) {
      log.warn({ peer: wallet, room, error: messageOf(error) }, 'a scene room could not be opened')
      throw new Refusal('UNAVAILABLE', 'The room cannot be opened now')
    }
  }

  // §2.4 SF-any: the same answer whatever the cause.
  #unsigned({ cause, message }: Rejection): Outcome {
    const { log, metrics } = this.#dependencies
    metrics.unsigned.inc({ cause })
    log.debug({ reason: message }, 'a request was not signed')
    return { outcome: 'unsigned', answer: json(401, { error: 'Access denied, invalid signed-fetch request' }) }
  }
}

const denied = ({ outcome, code, message }: Denial): Outcome => ({
  outcome,
  answer: json(httpStatusOf[code], { error: message }),
})

const tooManyRequests = (waitMs: number): Outcome => ({
  outcome: 'limited',
  answer: json(429, { error: 'Too many requests from this wallet' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) }),
})
