import pLimit from 'p-limit'
import { jittered } from '../../chassis/backoff.ts'
import type { Clock } from '../../chassis/clock.ts'
import { withDeadline } from '../../chassis/deadline.ts'
import { messageOf } from '../../chassis/errors.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import type { LivekitRoom, LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { RoomUse } from '../core/room-names.ts'
import type { Places, SceneLocation, ScenePlace } from '../upstream/places.ts'
import { boundedMetadata, type MetadataPart, mergedMetadata, sameMetadata, TOKEN_CHARACTERS } from './room-metadata-text.ts'

export interface RoomMetadataOptions {
  rooms: Pick<LivekitRooms, 'rooms' | 'setMetadata'>
  /** Undefined for a room of others. */
  useOf: (room: string) => RoomUse | undefined
  places: Pick<Places, 'placeOf'>
  /** What is kept about a place, read anew each time. */
  readPlace: (place: ScenePlace) => Promise<MetadataPart>
  /** Whether anyone is banned from any scene: then a first participant has to see so. */
  hasBans: () => boolean
  clock: Clock
  log: Log
}

/** Reads more keys of the metadata of a room, which is empty where it has none. */
export type MetadataSource = (room: string) => Promise<MetadataPart>

/** An explorer waits for a token so long, and a player who is removed stays so long, at most, because of the metadata. */
const PATIENCE_MS = 500
/** What others decide, such as owners and operators of land, is looked at so often, where a player joins. */
const LIFETIME_MS = 60_000
const MAX_ROOMS = 20_000
const CONCURRENT = 8
/** So often it is written anew because something changed while it was written; the next look at the rooms does the rest. */
const MAX_WRITES = 4
/** After a failure it is written again after the first time, then after the second, and so on; the last one stands for all further. */
const REPEAT_MS = [2_000, 5_000, 10_000, 30_000, 60_000]

/**
 * The metadata of the rooms of scenes: who is banned and who administers, by which explorers hide banned players and show what
 * administrators may do (gatekeeper.md §4.4). It is always made of what is on record, and looked at again after it was written, so
 * that of several replicas the one that writes last writes what is right. It is in the room from the first participant on, by the
 * token that opens the room.
 */
export class RoomMetadata implements Running {
  readonly #options: RoomMetadataOptions
  readonly #sources: MetadataSource[] = []
  readonly #limit = pLimit(CONCURRENT)
  /** Where the scene of a room is, as its player named it: names of rooms of worlds have lost the case of an id. */
  readonly #locations = growingCache<string, SceneLocation>(MAX_ROOMS)
  readonly #places = growingCache<string, ScenePlace>(MAX_ROOMS)
  /** What was written last, and when. */
  readonly #written = growingCache<string, { placeId: string | undefined; metadata: MetadataPart; atMs: number }>(MAX_ROOMS)
  readonly #underWay = new Map<string, Promise<void>>()
  /** Rooms whose metadata could not be written so many times in a row. */
  readonly #failed = new Map<string, { times: number; cancel: () => void }>()
  #stopped = false

  constructor(options: RoomMetadataOptions) {
    this.#options = options
  }

  /** Adds keys to the metadata of every room of a scene. */
  add(source: MetadataSource): void {
    this.#sources.push(source)
  }

  /**
   * For the token that opens the room of a scene; undefined where it is not known now. Never rejects, and never waits long: then
   * the room gets its metadata when LiveKit tells that it has begun.
   */
  async forToken(room: string, location: SceneLocation): Promise<string | undefined> {
    this.#locations.set(room, location)
    const known = this.#written.get(room)
    if (known && this.#isFresh(known.atMs)) return boundedMetadata(known.metadata, TOKEN_CHARACTERS)
    if (!this.#options.hasBans()) return undefined
    const place = this.#placeOf(room)
    const metadata = await this.#patiently(place.then((found) => found && this.#read(room, found)))
    return metadata && boundedMetadata(metadata, TOKEN_CHARACTERS)
  }

  /** Writes nothing again. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { cancel } of this.#failed.values()) cancel()
  }

  /**
   * Writes the metadata of a room now, unless LiveKit has it already; after a failure again and again, because no event may follow:
   * a LiveKit that has just started sends its first events while it counts as away here. Never rejects.
   */
  settle(room: string): Promise<void> {
    const before = this.#underWay.get(room)
    const work = (before ?? Promise.resolve()).then(() => this.#limit(() => this.#write(room)))
    const settled = work
      .then(() => this.#succeeded(room))
      .catch((error: unknown) => {
        this.#options.log.warn({ room, error: messageOf(error) }, 'the metadata of a room could not be written now')
        this.#settleAgain(room)
      })
      .finally(() => {
        if (this.#underWay.get(room) === settled) this.#underWay.delete(room)
      })
    this.#underWay.set(room, settled)
    return settled
  }

  /** As `settle`, and resolves after a moment even where other services do not answer: for what must not wait for long. */
  async settleSoon(room: string): Promise<void> {
    if (this.#isOfScene(room)) await this.#patiently(this.settle(room))
  }

  /**
   * A player joined a room, which had this metadata then: what others decide may have changed, and a LiveKit that started anew has
   * rooms of its own.
   */
  async settleIfOld(room: string, there: string): Promise<void> {
    if (this.#isOfScene(room) && !this.#isRight(room, there)) await this.settle(room)
  }

  /** Writes the metadata of every room of some places, because what is on record about them changed. Never rejects. */
  async placesChanged(placeIds: ReadonlySet<string>): Promise<void> {
    if (placeIds.size === 0) return
    for (const [room, { placeId }] of this.#written)
      if (placeId !== undefined && placeIds.has(placeId)) this.#written.delete(room)
    try {
      const rooms = (await this.#options.rooms.rooms()).filter(({ name }) => this.#isOfScene(name))
      await Promise.all(
        rooms.map(async ({ name }) => {
          const place = await this.#limit(() => this.#placeOf(name)).catch(() => undefined)
          if (place && placeIds.has(place.id)) await this.settle(name)
        }),
      )
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'the metadata of rooms could not be written now')
    }
  }

  /** Corrects what is wrong in the rooms that LiveKit lists, because webhooks may be lost and a LiveKit may have started anew. */
  async check(rooms: readonly LivekitRoom[]): Promise<void> {
    const wrong = rooms.filter(({ name, metadata }) => this.#isOfScene(name) && !this.#isRight(name, metadata))
    await Promise.all(wrong.map(({ name }) => this.settle(name)))
  }

  async #write(room: string): Promise<void> {
    const { rooms, clock } = this.#options
    for (let left = MAX_WRITES; left > 0; left--) {
      const { place, outage } = await this.#placeOf(room).then(
        (found) => ({ place: found, outage: undefined }),
        (error: unknown) => ({ place: undefined, outage: error }),
      )
      const metadata = await this.#read(room, place)
      const [there] = await rooms.rooms([room])
      if (!outage) this.#written.set(room, { placeId: place?.id, metadata, atMs: clock.monotonic() })
      const isRight = !there || sameMetadata(there.metadata, metadata)
      // What is kept by the place follows when the place is known.
      if (isRight && outage) throw outage
      if (isRight) return
      await rooms.setMetadata(room, mergedMetadata(there.metadata, metadata))
    }
  }

  #succeeded(room: string): void {
    this.#failed.get(room)?.cancel()
    this.#failed.delete(room)
  }

  #settleAgain(room: string): void {
    const before = this.#failed.get(room)
    if (this.#stopped || (before === undefined && this.#failed.size >= MAX_ROOMS)) return
    before?.cancel()
    const times = (before?.times ?? 0) + 1
    const delayMs = REPEAT_MS[Math.min(times, REPEAT_MS.length) - 1] as number
    const cancel = this.#options.clock.after(jittered(delayMs, Math.random()), () => void this.settle(room))
    this.#failed.set(room, { times, cancel })
  }

  /** Of a room without a place, such as that of a preview, only what the other sources know. @throws Refusal UNAVAILABLE */
  async #read(room: string, place: ScenePlace | undefined): Promise<MetadataPart> {
    const parts = await Promise.all([place ? this.#options.readPlace(place) : {}, ...this.#sources.map((source) => source(room))])
    return Object.assign({}, ...parts) as MetadataPart
  }

  /** Undefined for a room whose scene is deployed nowhere. @throws Refusal UNAVAILABLE */
  async #placeOf(room: string): Promise<ScenePlace | undefined> {
    const known = this.#places.get(room)
    if (known) return known
    const use = this.#options.useOf(room)
    if (use?.kind !== 'scene' && use?.kind !== 'world') return undefined
    const world = use.kind === 'world' ? use.world : undefined
    const location = this.#locations.get(room) ?? { world, sceneId: use.sceneId, parcel: undefined }
    const place = await this.#options.places.placeOf(location)
    if (place) this.#places.set(room, place)
    return place
  }

  #isOfScene(room: string): boolean {
    const kind = this.#options.useOf(room)?.kind
    return kind === 'scene' || kind === 'world'
  }

  /** Whether a room has what was written into it a moment ago. */
  #isRight(room: string, there: string): boolean {
    const known = this.#written.get(room)
    return known !== undefined && this.#isFresh(known.atMs) && sameMetadata(there, known.metadata)
  }

  #isFresh(atMs: number): boolean {
    return this.#options.clock.monotonic() - atMs < LIFETIME_MS
  }

  #patiently<Result>(work: Promise<Result>): Promise<Result | undefined> {
    const { clock } = this.#options
    return withDeadline(work, { clock, ms: PATIENCE_MS, what: 'reading the metadata of a room' }).catch(() => undefined)
  }
}
