import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { Clock } from '../../chassis/clock.ts'
import { withDeadline } from '../../chassis/deadline.ts'
import { messageOf } from '../../chassis/errors.ts'
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

/**
 * The metadata of the rooms of scenes: who is banned and who administers, by which explorers hide banned players and show what
 * administrators may do (gatekeeper.md §4.4). It is always made of what is on record, and looked at again after it was written, so
 * that of several replicas the one that writes last writes what is right. It is in the room from the first participant on, by the
 * token that opens the room.
 */
export class RoomMetadata {
  readonly #options: RoomMetadataOptions
  readonly #sources: MetadataSource[] = []
  readonly #limit = pLimit(CONCURRENT)
  /** Where the scene of a room is, as its player named it: names of rooms have lost the case of an id. */
  readonly #locations = new LRUCache<string, SceneLocation>({ max: MAX_ROOMS })
  readonly #places = new LRUCache<string, ScenePlace>({ max: MAX_ROOMS })
  /** What was written last, and when. */
  readonly #written = new LRUCache<string, { placeId: string; metadata: MetadataPart; atMs: number }>({ max: MAX_ROOMS })
  readonly #underWay = new Map<string, Promise<void>>()

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

  /** Writes the metadata of a room now, unless LiveKit has it already. Never rejects. */
  settle(room: string): Promise<void> {
    const before = this.#underWay.get(room)
    const work = (before ?? Promise.resolve()).then(() => this.#limit(() => this.#write(room)))
    const settled = work
      .catch((error: unknown) =>
        this.#options.log.warn({ room, error: messageOf(error) }, 'the metadata of a room could not be written now'),
      )
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

  /** A player joined a room: what others decide may have changed. */
  async settleIfOld(room: string): Promise<void> {
    const known = this.#written.get(room)
    if (this.#isOfScene(room) && !(known && this.#isFresh(known.atMs))) await this.settle(room)
  }

  /** Writes the metadata of every room of some places, because what is on record about them changed. Never rejects. */
  async placesChanged(placeIds: ReadonlySet<string>): Promise<void> {
    if (placeIds.size === 0) return
    for (const [room, { placeId }] of this.#written) if (placeIds.has(placeId)) this.#written.delete(room)
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
    const wrong = rooms.filter(({ name, metadata }) => {
      const known = this.#written.get(name)
      return this.#isOfScene(name) && !(known && this.#isFresh(known.atMs) && sameMetadata(metadata, known.metadata))
    })
    await Promise.all(wrong.map(({ name }) => this.settle(name)))
  }

  async #write(room: string): Promise<void> {
    const { rooms, clock } = this.#options
    for (let left = MAX_WRITES; left > 0; left--) {
      const place = await this.#placeOf(room)
      if (!place) return
      const metadata = await this.#read(room, place)
      const [there] = await rooms.rooms([room])
      this.#written.set(room, { placeId: place.id, metadata, atMs: clock.monotonic() })
      if (!there || sameMetadata(there.metadata, metadata)) return
      await rooms.setMetadata(room, mergedMetadata(there.metadata, metadata))
    }
  }

  /** @throws Refusal UNAVAILABLE */
  async #read(room: string, place: ScenePlace): Promise<MetadataPart> {
    const parts = await Promise.all([this.#options.readPlace(place), ...this.#sources.map((source) => source(room))])
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

  #isFresh(atMs: number): boolean {
    return this.#options.clock.monotonic() - atMs < LIFETIME_MS
  }

  #patiently<Result>(work: Promise<Result>): Promise<Result | undefined> {
    const { clock } = this.#options
    return withDeadline(work, { clock, ms: PATIENCE_MS, what: 'reading the metadata of a room' }).catch(() => undefined)
  }
}
