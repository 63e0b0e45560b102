import { cloudflareClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { httpStatusOf, messageOf, Refusal } from '../chassis/errors.ts'
import { type Handler, type HttpRequest, type HttpResponse, json, ok } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Storage } from './adapters/storage.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { type Denial, decideScene, objectionToSceneCode, readSceneClaim } from './core/scene-access.ts'
import { type Rejection, readSignedRequest } from './core/signed-request.ts'
import type { WalletLimit } from './core/wallet-limit.ts'
import type { GatekeeperMetrics } from './metrics.ts'
import { checkSignature } from './signed-fetch.ts'

/** What answering for scene rooms takes. */
export interface SceneAdapterDependencies {
  verifier: ChainVerifier
  storage: Storage
  denyList: DenyList
  /** Nothing where the realm has neither LiveKit nor embedded rooms. */
  transport: RoomTransport | undefined
  connections: ConnectionRecorder
  limit: WalletLimit
  roomPrefix: string
  clock: Clock
  log: Log
  metrics: GatekeeperMetrics
}

const BAN_CHECK_TIMEOUT_MS = 2_000
const OPEN_ROOM_TIMEOUT_MS = 5_000
/** Explorers try again after as long by themselves. */
const RETRY_AFTER_SECONDS = '5'

/** How a request ended: the answer, and a word for the metrics. */
interface Outcome {
  outcome: Denial['outcome'] | 'granted' | 'limited' | 'unavailable'
  answer: HttpResponse
}

/** `POST /get-scene-adapter`: what a player dials to enter the room of a scene (gatekeeper.md §4.1). The body is ignored. */
export function sceneAdapter(parts: SceneAdapterDependencies): Handler {
  const { clock, metrics } = parts
  return async (ask) => {
    const startMs = clock.now()
    await ask.body() // Godot sends one; unread, it would be cut off with the connection when we refuse
    const { outcome, answer } = await answerTo(ask, parts)
    metrics.answers.inc({ outcome })
    metrics.seconds.observe((clock.now() - startMs) / 1000)
    return answer
  }
}

async function answerTo(ask: HttpRequest, parts: SceneAdapterDependencies): Promise<Outcome> {
  try {
    return await decide(ask, parts)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'UNAVAILABLE') throw error
    return { outcome: 'unavailable', answer: json(503, { error: error.message }, { 'retry-after': RETRY_AFTER_SECONDS }) }
  }
}

async function decide({ method, path, headers }: HttpRequest, parts: SceneAdapterDependencies): Promise<Outcome> {
  const { clock, limit, metrics, denyList, connections, roomPrefix } = parts
  const nowMs = clock.now()
  const read = readSignedRequest({ method, path, headers, nowMs, objection: objectionToSceneCode })
  if ('rejection' in read) return unsigned(read.rejection, parts)
  const { wallet, metadata, format } = read.claim
  const waitMs = limit.waitMs(wallet, nowMs)
  if (waitMs > 0) return tooOften(waitMs)
  const rejection = await checkSignature(read.claim, nowMs, parts)
  if (rejection) return unsigned(rejection, parts)
  metrics.signed.inc({ format })
  limit.count(wallet, nowMs)

  const claim = readSceneClaim(metadata)
  if ('outcome' in claim) return denied(claim)
  connections.record({ address: wallet, ipAddress: cloudflareClientAddress(headers), deviceId: claim.deviceId })
  const banned = await isBanned(wallet, claim.deviceId, parts)
  if (!banned && !denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
  const decision = decideScene(claim, { banned, denied: denyList.has(wallet) }, roomPrefix)
  if ('outcome' in decision) return denied(decision)
  return { outcome: 'granted', answer: ok({ adapter: await openRoom(wallet, decision.room, parts) }) }
}

// §11.4: a database that does not answer bans nobody.
async function isBanned(address: PeerId, deviceId: string | undefined, parts: SceneAdapterDependencies): Promise<boolean> {
  const { storage, clock, log, metrics } = parts
  try {
    const ban = storage.activeBan({ address, deviceId }, clock.now())
    return (await withDeadline(ban, { clock, ms: BAN_CHECK_TIMEOUT_MS, what: 'looking for a ban' })) !== undefined
  } catch (error) {
    metrics.banChecksFailed.inc()
    log.warn({ peer: address, error: messageOf(error) }, 'nobody knows whether a player is banned')
    return false
  }
}

async function openRoom(wallet: PeerId, room: string, { transport, clock, log }: SceneAdapterDependencies): Promise<string> {
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

// §2.4 SF-any: one answer, whatever the cause.
function unsigned({ cause, message }: Rejection, { log, metrics }: SceneAdapterDependencies): Outcome {
  metrics.unsigned.inc({ cause })
  log.debug({ reason: message }, 'a request was not signed')
  return { outcome: 'unsigned', answer: json(401, { error: 'Access denied, invalid signed-fetch request' }) }
}

const denied = ({ outcome, code, message }: Denial): Outcome => ({
  outcome,
  answer: json(httpStatusOf[code], { error: message }),
})

const tooOften = (waitMs: number): Outcome => ({
  outcome: 'limited',
  answer: json(429, { error: 'Too many requests from this wallet' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) }),
})
