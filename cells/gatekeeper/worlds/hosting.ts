import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostedWorld } from '../../../crds/world.ts'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { GatekeeperConfig } from '../config.ts'
import type { Metadata, SignedFormat } from '../core/signed-request.ts'
import type { RoomControl } from '../livekit/room-control.ts'
import { embeddedMembers, livekitMembers, Occupancy } from './occupancy.ts'
import { judgeAccess, secretIn } from './world-access.ts'
import { roomsOf, WorldList } from './world-list.ts'

/** The embedded rooms of the process of a gatekeeper. */
export interface EmbeddedRooms {
  members(room: string): PeerId[]
  /** Ends the session of a peer in a room, and takes its admission back; false when it is not there. */
  remove(peer: PeerId, room: string): boolean
}

export interface WorldHostingOptions {
  rooms: EmbeddedRooms | undefined
  /** Replaces the folder of the configuration. */
  worldSecretOf?: ((key: string) => string | undefined) | undefined
  clock: Clock
  log: Log
}

/** Until rooms of closed worlds that LiveKit did not end are ended again. */
const END_AGAIN_MS = 5_000

/** The worlds of a gatekeeper: which there are, who is in them, and who may be. */
export class WorldHosting {
  readonly worlds: WorldList
  readonly worldSecretOf: (key: string) => string | undefined
  readonly #options: WorldHostingOptions
  #control: RoomControl | undefined
  #stopped = false
  #cancelEnd = () => {}
  /** Rooms of closed worlds that LiveKit still has. */
  #closed = new Set<string>()
  /** Undefined where this gatekeeper cannot tell who is in its rooms: it then serves no world. */
  occupancy: Occupancy | undefined

  constructor(config: GatekeeperConfig, options: WorldHostingOptions) {
    const { rooms, clock, log } = options
    this.#options = options
    this.worldSecretOf = options.worldSecretOf ?? secretsIn(config.WORLD_SECRETS_FOLDER)
    this.worlds = new WorldList({ file: config.WORLDS_FILE, clock, log, onChange: (closed) => void this.#changed(closed) })
    this.occupancy = rooms && new Occupancy(embeddedMembers(rooms), clock)
  }

  /** Serves worlds in the rooms of a LiveKit. */
  useLivekit(control: RoomControl | undefined): void {
    this.#control = control
    if (control) this.occupancy = new Occupancy(livekitMembers(control.rooms), this.#options.clock)
  }

  /**
   * Whether a player may enter the rooms of scenes that explorers ask for by the name of a realm. For a realm that is one of these worlds
   * that is who may enter the world: with a shared secret, who sends it or is in the world already.
   */
  async admitsToScene(world: HostedWorld, wallet: PeerId, { metadata, format }: SceneRequest): Promise<boolean> {
    const verdict = judgeAccess(world, { wallet, secret: secretIn(metadata), format }, this.worldSecretOf)
    if (verdict === 'allowed') return true
    return world.access.type === 'SharedSecret' && (await this.occupancy?.isIn(world, wallet)) === true
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelEnd()
    await this.worlds.stop()
  }

  /** Players leave the rooms of worlds that are closed, and of those whose list they are not on any more. */
  async #changed(closed: readonly string[]): Promise<void> {
    const { rooms } = this.#options
    if (rooms) {
      for (const room of closed) for (const peer of rooms.members(room)) rooms.remove(peer, room)
      for (const world of this.worlds.all) this.#removeStrangers(world, rooms)
    }
    const control = this.#control
    if (!control) return
    void control.guard.sweep()
    for (const room of closed) this.#closed.add(room)
    await this.#endClosed(control)
  }

  /** Ends the rooms of closed worlds, again and again while LiveKit does not answer; those of a world that is back stay. Never rejects. */
  async #endClosed(control: RoomControl): Promise<void> {
    const { clock, log } = this.#options
    this.#cancelEnd()
    await Promise.all(
      [...this.#closed].map(async (room) => {
        try {
          if (this.worlds.useOf(room) === undefined) await control.rooms.delete(room)
          this.#closed.delete(room)
        } catch (error) {
          log.warn({ room, error: messageOf(error) }, 'the room of a closed world could not be ended now')
        }
      }),
    )
    if (this.#closed.size > 0 && !this.#stopped) this.#cancelEnd = clock.after(END_AGAIN_MS, () => void this.#endClosed(control))
  }

  #removeStrangers(world: HostedWorld, rooms: EmbeddedRooms): void {
    for (const room of roomsOf(world))
      for (const peer of rooms.members(room)) if (!this.worlds.mayStay(world.name, peer)) rooms.remove(peer, room)
  }
}

/** What a player signed to enter the room of a scene. */
interface SceneRequest {
  metadata: Metadata
  format: SignedFormat
}

/** Read each time, because a Secret may change at any time; the name of a file was checked with the list of worlds. */
const secretsIn =
  (folder: string | undefined) =>
  (key: string): string | undefined => {
    if (folder === undefined) return undefined
    try {
      return readFileSync(join(folder, key), 'utf8').trim()
    } catch {
      return undefined
    }
  }
