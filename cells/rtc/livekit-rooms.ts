import type { IngressClient, IngressInfo, ParticipantInfo, RoomServiceClient, TrackSource } from 'livekit-server-sdk'
import pLimit from 'p-limit'
import { CircuitBreaker } from '../chassis/circuit-breaker.ts'
import type { Clock } from '../chassis/clock.ts'
import { messageOf, Refusal } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { Grant } from './grants.ts'
import { type LivekitMetrics, livekitMetrics } from './metrics.ts'

/** Where LiveKit answers requests of servers, and with which key. */
export interface LivekitRoomsOptions {
  /** `http(s)://` or `ws(s)://`, without a path. */
  url: string
  apiKey: string
  apiSecret: string
  clock: Pick<Clock, 'monotonic'>
  log: Log
  metrics: Metrics
}

/** A room that exists on the server. */
export interface LivekitRoom {
  name: string
  /** Text that all participants receive. */
  metadata: string
  participantCount: number
}

/** A participant of a room. */
export type LivekitParticipant = Pick<ParticipantInfo, 'identity' | 'sid' | 'metadata' | 'permission' | 'joinedAt' | 'joinedAtMs'>

/** An RTMP endpoint that publishes into a room. */
export interface LivekitIngress extends Pick<IngressInfo, 'ingressId' | 'url' | 'streamKey' | 'name'> {
  isStreaming: boolean
  /** When the latest session began, in nanoseconds since the epoch; 0 before the first. */
  startedAt: bigint
}

const TIMEOUT_SECONDS = 4
const MAX_CONCURRENT = 32
/** Further requests are refused at once, so that they do not wait in a growing queue. */
const MAX_WAITING = 20_000
const BREAKER = { failures: 5, openMs: 5_000, what: 'LiveKit' }

/** What requests are made with. */
interface LivekitClients {
  rooms: RoomServiceClient
  ingress: IngressClient
  sdk: Pick<typeof import('livekit-server-sdk'), 'IngressInput' | 'TrackSource'>
}

/**
 * The rooms of a LiveKit server: every request to its API goes through here, with a deadline, a limited number at a time, and a
 * breaker. What does not exist is a result, and a server that does not answer a refusal UNAVAILABLE.
 */
export class LivekitRooms {
  readonly #loadClients: () => Promise<LivekitClients>
  #clients: Promise<LivekitClients> | undefined
  readonly #breaker: CircuitBreaker
  /** The ingress is another service, which may be away while the rooms are there. */
  readonly #ingressBreaker: CircuitBreaker
  readonly #limit = pLimit(MAX_CONCURRENT)
  readonly #metrics: LivekitMetrics

  constructor({ url, apiKey, apiSecret, clock, log, metrics }: LivekitRoomsOptions) {
    this.#loadClients = async () => {
      const sdk = await import('livekit-server-sdk')
      const options = { requestTimeout: TIMEOUT_SECONDS, failover: false }
      return {
        rooms: new sdk.RoomServiceClient(url, apiKey, apiSecret, options),
        ingress: new sdk.IngressClient(url, apiKey, apiSecret, options),
        sdk,
      }
    }
    this.#metrics = livekitMetrics(metrics, { isReachable: () => this.isReachable })
    this.#breaker = new CircuitBreaker({
      ...BREAKER,
      now: () => clock.monotonic(),
      onChange: (isOpen) => {
        if (isOpen) log.warn('LiveKit does not answer requests to its API')
        else log.info('LiveKit answers requests to its API again')
      },
    })
    this.#ingressBreaker = new CircuitBreaker({ ...BREAKER, what: 'The ingress of LiveKit', now: () => clock.monotonic() })
  }

  /** False once several requests in a row had no answer. */
  get isReachable(): boolean {
    return !this.#breaker.isOpen
  }

  /** All rooms, or those of the names that exist. */
  async rooms(names?: readonly string[]): Promise<LivekitRoom[]> {
    const rooms = await this.#ask(({ rooms }) => rooms.listRooms(names && [...names]))
    return rooms.map(({ name, metadata, numParticipants }) => ({ name, metadata, participantCount: numParticipants }))
  }

  /** None where the room does not exist. */
  async participants(room: string): Promise<readonly LivekitParticipant[]> {
    return (await this.#found(({ rooms }) => rooms.listParticipants(room))) ?? []
  }

  /** Ends the connection of a participant; whether it was there. A token that is still valid lets it join again. */
  async remove(room: string, identity: string): Promise<boolean> {
    return (await this.#found(({ rooms }) => done(rooms.removeParticipant(room, identity)))) ?? false
  }

  /** Changes metadata and permissions of a participant; whether it was there. */
  async update(room: string, identity: string, { metadata, grant }: { metadata?: string; grant?: Grant }): Promise<boolean> {
    const updated = await this.#found(({ rooms, sdk }) => {
      const permission = grant && permissionOf(grant, sdk.TrackSource.MICROPHONE)
      return rooms.updateParticipant(room, identity, {
        ...(metadata !== undefined && { metadata }),
        ...(permission && { permission }),
      })
    })
    return updated !== undefined
  }

  /** Undefined where the participant is not in the room. */
  participant(room: string, identity: string): Promise<LivekitParticipant | undefined> {
    return this.#found(({ rooms }) => rooms.getParticipant(room, identity))
  }

  /** Replaces the metadata of a room, which all participants receive; whether the room exists. */
  async setMetadata(room: string, metadata: string): Promise<boolean> {
    return (await this.#found(({ rooms }) => rooms.updateRoomMetadata(room, metadata))) !== undefined
  }

  /** Creates a room unless it exists; it ends again after a while without participants. */
  async create(room: string): Promise<void> {
    await this.#ask(({ rooms }) => rooms.createRoom({ name: room }))
  }

  /** Ends a room for all participants; whether it existed. */
  async delete(room: string): Promise<boolean> {
    return (await this.#found(({ rooms }) => done(rooms.deleteRoom(room)))) ?? false
  }

  /** Creates an RTMP endpoint that publishes into a room. @throws Refusal NOT_SUPPORTED where LiveKit has no ingress */
  async createIngress(room: string, name: string, identity: string): Promise<LivekitIngress> {
    const options = { name, roomName: room, participantIdentity: identity }
    return ingressOf(
      await this.#ask(({ ingress, sdk }) => ingress.createIngress(sdk.IngressInput.RTMP_INPUT, options), this.#ingressBreaker),
    )
  }

  /** The RTMP endpoints of a room, or all. @throws Refusal NOT_SUPPORTED where LiveKit has no ingress */
  async ingresses(room?: string): Promise<readonly LivekitIngress[]> {
    const which = room === undefined ? {} : { roomName: room }
    return (await this.#ask(({ ingress }) => ingress.listIngress(which), this.#ingressBreaker)).map(ingressOf)
  }

  /** Whether the RTMP endpoint existed. @throws Refusal NOT_SUPPORTED where LiveKit has no ingress */
  async deleteIngress(ingressId: string): Promise<boolean> {
    return (await this.#found(({ ingress }) => ingress.deleteIngress(ingressId), this.#ingressBreaker)) !== undefined
  }

  /** With the first request: the SDK is a quarter of the memory of a gatekeeper whose rooms are embedded. */
  #loaded(): Promise<LivekitClients> {
    this.#clients ??= this.#loadClients()
    return this.#clients
  }

  async #found<Result>(work: (clients: LivekitClients) => Promise<Result>, breaker = this.#breaker): Promise<Result | undefined> {
    try {
      return await this.#ask(work, breaker)
    } catch (error) {
      if (codeOf(error) === 'not_found') return undefined
      throw error
    }
  }

  async #ask<Result>(work: (clients: LivekitClients) => Promise<Result>, breaker = this.#breaker): Promise<Result> {
    if (this.#limit.pendingCount >= MAX_WAITING) throw new Refusal('UNAVAILABLE', 'Too many requests to LiveKit are waiting')
    try {
      const result = await this.#limit(() => breaker.call(async () => work(await this.#loaded()), isOutage))
      this.#metrics.requests.inc({ outcome: 'ok' })
      return result
    } catch (error) {
      if (error instanceof Refusal) {
        this.#metrics.requests.inc({ outcome: 'refused' })
        throw error
      }
      if (isWithoutIngress(error)) {
        this.#metrics.requests.inc({ outcome: 'rejected' })
        throw new Refusal('NOT_SUPPORTED', 'The LiveKit of this realm has no ingress, so nothing can be streamed to it by RTMP')
      }
      if (isOutage(error)) {
        this.#metrics.requests.inc({ outcome: 'failed' })
        throw new Refusal('UNAVAILABLE', `LiveKit cannot be used now: ${messageOf(error)}`, { cause: error })
      }
      this.#metrics.requests.inc({ outcome: codeOf(error) === 'not_found' ? 'not_found' : 'rejected' })
      throw error
    }
  }
}

/** `ENDPOINT_BUFFERING` and `ENDPOINT_PUBLISHING` of LiveKit's protocol, whose package only the SDK depends on. */
const STREAMING: ReadonlySet<number | undefined> = new Set([1, 2])

const ingressOf = ({ ingressId, url, streamKey, name, state }: IngressInfo): LivekitIngress => ({
  ...{ ingressId, url, streamKey, name, isStreaming: STREAMING.has(state?.status) },
  startedAt: state?.startedAt ?? 0n,
})

/** The Twirp code of an error that LiveKit answered. */
function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && 'status' in (error as object) ? code : undefined
}

/** No answer in time, or one that says that the server cannot work now. */
function isOutage(error: unknown): boolean {
  if (isWithoutIngress(error)) return false
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status !== 'number' || status >= 500 || status === 429
}

/** How a LiveKit without Redis, or one without the service, answers a request for RTMP endpoints. */
function isWithoutIngress(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code === 'unimplemented' || code === 'bad_route' || (code === 'internal' && /ingress not connected/i.test(messageOf(error)))
  )
}

const done = async (work: Promise<void>): Promise<true> => {
  await work
  return true
}

/** The permissions of a participant who is in a room. LiveKit replaces all of them at once, so each one is named. */
const permissionOf = ({ canPublish, canUpdateOwnMetadata, canPublishSources }: Grant, microphone: TrackSource) => ({
  canPublish,
  canSubscribe: true,
  canPublishData: true,
  canUpdateMetadata: canUpdateOwnMetadata,
  canPublishSources: canPublishSources ? [microphone] : [],
  hidden: false,
})
