import type { WebhookEvent } from 'livekit-server-sdk'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import { type Running, stopAll } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { IngressRemoval, StreamRecords } from './stream-records.ts'

export interface StreamUpkeepOptions {
  records: StreamRecords
  /** Undefined where the rooms are not those of a LiveKit. */
  rooms: Pick<LivekitRooms, 'deleteIngress' | 'ingresses'> | undefined
  /** Whether the wallet that made a key is banned, from the platform or from the place. */
  isBanned: (wallet: PeerId, placeId: string) => boolean
  /** Called when keys were ended: participants who stream with them have to leave. */
  onEnd: () => void
  clock: Clock
  log: Log
}

const REMOVE_EVERY_MS = 10_000
const CHECK_EVERY_MS = 30_000
/** Of all replicas together. */
const CHECK_TURN_MS = 55_000
const NANOSECONDS = 1_000_000n
/** LiveKit may list an endpoint that it just created a moment later. */
const NEW_MS = 60_000

/**
 * What happens to streams without a request: keys end in time and with the ban of who made them, RTMP endpoints of keys that
 * ended are removed, and what LiveKit says of streams that run is kept, also where its events are lost.
 */
export class StreamUpkeep implements Running {
  readonly #options: StreamUpkeepOptions
  readonly #repeated: Running
  #removing: Promise<void> = Promise.resolve()

  constructor(options: StreamUpkeepOptions) {
    this.#options = options
    const { clock, log } = options
    this.#repeated = stopAll(
      log,
      repeat({ clock, log, delayMs: () => REMOVE_EVERY_MS, task: () => this.removeEndpoints() }),
      repeat({ clock, log, delayMs: () => CHECK_EVERY_MS, task: () => this.#check() }),
    )
  }

  async stop(): Promise<void> {
    await this.#repeated.stop()
    await this.#removing
  }

  /** An event of LiveKit. @throws Refusal UNAVAILABLE, after which LiveKit sends it again */
  readonly onEvent = async ({ event, ingressInfo, createdAt }: WebhookEvent): Promise<void> => {
    if (!ingressInfo || (event !== 'ingress_started' && event !== 'ingress_ended')) return
    const session = ingressInfo.state?.startedAt || BigInt(createdAt) * 1_000n * NANOSECONDS
    if (event === 'ingress_started') await this.#options.records.sessionBegan(ingressInfo.ingressId, session)
    else await this.#options.records.sessionEnded(ingressInfo.ingressId, session)
  }

  /** Ends the keys that banned wallets made. Never rejects. */
  endOfBanned(): Promise<void> {
    const { records, isBanned, clock } = this.#options
    return this.#attempt('keys of banned players', async () => {
      const over = (await records.makers()).filter(({ maker, placeId }) => isBanned(maker, placeId))
      if (
        over.length > 0 &&
        (await records.endAll(
          over.map(({ id }) => id),
          clock.now(),
        )) > 0
      )
        this.ended()
    })
  }

  /** Keys were ended: removes their RTMP endpoints, and has those leave who stream with them. */
  ended(): void {
    this.#options.onEnd()
    void this.removeEndpoints()
  }

  /** Removes the RTMP endpoints that are noted; one that LiveKit does not remove now is tried again. Never rejects. */
  removeEndpoints(): Promise<void> {
    const { records, clock } = this.#options
    this.#removing = this.#removing.then(() =>
      this.#attempt('RTMP endpoints of keys that ended', async () => {
        for (const removal of await records.takeRemovals(clock.now()))
          if (await this.#remove(removal)) await records.forget(removal.id)
      }),
    )
    return this.#removing
  }

  async #remove({ id, room, ingressId }: IngressRemoval): Promise<boolean> {
    const { rooms, log } = this.#options
    if (!rooms) return true
    try {
      const named = ingressId ? [ingressId] : await this.#createdAs(id, room)
      for (const each of named) await rooms.deleteIngress(each)
      return true
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      log.warn({ room, reason: error.message }, 'an RTMP endpoint could not be removed and is tried again')
      // A LiveKit without ingress has no endpoint either.
      return error.code === 'NOT_SUPPORTED'
    }
  }

  async #createdAs(id: string, room: string): Promise<string[]> {
    const listed = (await this.#options.rooms?.ingresses(room)) ?? []
    return listed.filter(({ name }) => name.endsWith(id)).map(({ ingressId }) => ingressId)
  }

  #check(): Promise<void> {
    const { records, clock } = this.#options
    return this.#attempt('streams', async () => {
      if (!(await records.takeTurn('streams', clock.now(), CHECK_TURN_MS))) return
      await this.endOfBanned()
      await this.#attempt('RTMP endpoints', () => this.#reconcile())
      if ((await records.endExpired(clock.now())) > 0) this.ended()
    })
  }

  /** Compares what is known of streams with LiveKit. */
  async #reconcile(): Promise<void> {
    const { records, rooms, clock } = this.#options
    const known = await records.endpoints()
    if (known.length === 0 || !rooms) return
    const listed = new Map((await rooms.ingresses()).map((each) => [each.ingressId, each]))
    for (const { id, ingressId, streaming, session, createdAt } of known) {
      const endpoint = listed.get(ingressId)
      if (endpoint?.isStreaming) await records.sessionBegan(ingressId, endpoint.startedAt || BigInt(clock.now()) * NANOSECONDS)
      else if (streaming) await records.sessionEnded(ingressId, BigInt(session))
      if (!endpoint && createdAt < clock.now() - NEW_MS) await records.endpointLost(id)
    }
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, `${what} could not be looked after now`)
    }
  }
}
