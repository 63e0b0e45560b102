import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { SceneAuthority } from '../scenes/scene-records.ts'
import type { ScenePlace } from '../upstream/places.ts'
import type { StreamAccess, StreamRecords } from './stream-records.ts'

export interface StreamKeysOptions {
  records: StreamRecords
  /** Undefined where the rooms are not those of a LiveKit. */
  rooms: Pick<LivekitRooms, 'createIngress'> | undefined
  clock: Clock
  /** Called when keys were ended: participants who stream with them have to leave. */
  onEnd: () => void
}

/** A scene that is streamed to, and who asks for a key of it. */
export interface StreamTarget {
  actor: PeerId
  authority: SceneAuthority | undefined
  placeId: string
  /** Undefined for a preview. */
  place: ScenePlace | undefined
  room: string
}

const KEY_BYTES = 24

/** Makes and ends the keys with which people stream to scenes, with an RTMP endpoint of LiveKit for each. */
export class StreamKeys {
  readonly #options: StreamKeysOptions

  constructor(options: StreamKeysOptions) {
    this.#options = options
  }

  /** Whether the key still opens the room that it would be asked for. */
  isUsable(access: StreamAccess, room: string): boolean {
    return access.room === room && access.expiresAt > this.#options.clock.now()
  }

  /**
   * The key of a scene, made unless there is one for its room.
   *
   * @param needsEndpoint whether a key without an RTMP endpoint will not do
   * @throws Refusal NOT_SUPPORTED where one is needed and LiveKit has no ingress, UNAUTHORIZED where the right was taken away
   */
  async keyOf(target: StreamTarget, { needsEndpoint }: { needsEndpoint: boolean }): Promise<StreamAccess> {
    const usable = (access: StreamAccess) => this.isUsable(access, target.room) && (!needsEndpoint || access.ingressId !== '')
    const existing = await this.#options.records.activeOf(target.placeId)
    return existing && usable(existing) ? existing : this.#make(target, { needsEndpoint, replaces: false, usable })
  }

  /** A new key in place of the one in force, which opens nothing any more. @throws Refusal NOT_FOUND without one */
  async replace(target: StreamTarget): Promise<StreamAccess> {
    if (!(await this.#options.records.activeOf(target.placeId))) throw noStream()
    return this.#make(target, { needsEndpoint: true, replaces: true, usable: () => false })
  }

  /** Ends the key of a scene; its RTMP endpoint is removed, also where LiveKit does not answer now. @throws Refusal NOT_FOUND */
  async end(target: Pick<StreamTarget, 'actor' | 'authority' | 'placeId'>): Promise<void> {
    const result = await this.#options.records.end(target)
    if (result === 'lost') throw lost()
    if (result === 'no key') throw noStream()
    this.#options.onEnd()
  }

  async #make(
    target: StreamTarget,
    { needsEndpoint, replaces, usable }: { needsEndpoint: boolean; replaces: boolean; usable: (access: StreamAccess) => boolean },
  ): Promise<StreamAccess> {
    const { records, onEnd } = this.#options
    const id = randomUUID()
    const endpoint = await this.#endpoint(id, target.room, needsEndpoint)
    const started = await records.start({ ...target, id, ...endpoint }, { replaces, usable })
    onEnd()
    if (started === 'lost') throw lost()
    return started.access
  }

  async #endpoint(id: string, room: string, isNeeded: boolean): Promise<Pick<StreamAccess, 'url' | 'key' | 'ingressId'>> {
    const { records, rooms, clock } = this.#options
    await records.plan(id, room, clock.now())
    try {
      if (!rooms) throw new Refusal('NOT_SUPPORTED', 'This realm has no LiveKit, which this needs')
      const { url, streamKey, ingressId } = await rooms.createIngress(room, `${room}-ingress-${id}`, `${id}-streamer`)
      return { url, key: streamKey, ingressId }
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'NOT_SUPPORTED') throw error
      await records.forget(id)
      if (isNeeded) throw error
      return { url: '', key: randomBytes(KEY_BYTES).toString('base64url'), ingressId: '' }
    }
  }
}

const lost = () => new Refusal('UNAUTHORIZED', 'Access denied, you are not authorized to access this scene')
const noStream = () => new Refusal('NOT_FOUND', 'No active streaming access found for place')
