import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { HostedWorld } from '../../../crds/world.ts'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf } from '../../chassis/errors.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { RoomUse } from '../core/room-names.ts'

export interface WorldListOptions {
  /** The file that the operator writes; undefined = this gatekeeper serves no world. */
  file: string | undefined
  /** Called after each change but for the first list, with the rooms that are of no world any more. */
  onChange: (closed: readonly string[]) => void
  clock: Clock
  log: Log
}

/** How often the file is read: file events of mounted volumes get lost. */
const READ_INTERVAL_MS = 1_000

const name = z.string().min(1).max(253)
const access = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Public') }),
  z.object({ type: z.literal('Allowlist'), wallets: z.array(z.string().regex(/^0x[0-9a-f]{40}$/)) }),
  z.object({
    type: z.literal('SharedSecret'),
    // A name of a file in one folder.
    key: z
      .string()
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/)
      .max(253)
      .optional(),
  }),
])
const world = z.object({
  name,
  realmName: name,
  room: z.string().min(1).max(400),
  scenes: z.array(z.string().regex(/^[A-Za-z0-9]+$/)),
  access,
  capacity: z.number().int().min(1),
})
const worldsFile = z.object({ worlds: z.array(world) })

/** The worlds that this gatekeeper serves, from a file that is read again and again; while it cannot be read, those read before stay. */
export class WorldList implements Running {
  readonly #options: WorldListOptions
  readonly #reading: Running
  #text: string | undefined
  #byName: ReadonlyMap<string, HostedWorld> = new Map()
  #byRealmName: ReadonlyMap<string, HostedWorld> = new Map()
  #byRoom: ReadonlyMap<string, HostedWorld> = new Map()
  #isFailing = false
  /** Resolves after the first attempt to read the file. */
  readonly attempted: Promise<void>

  constructor(options: WorldListOptions) {
    const { clock, log } = options
    this.#options = options
    let attempted = () => {}
    this.attempted = new Promise((resolve) => {
      attempted = resolve
    })
    const task = async () => {
      await this.#read()
      attempted()
    }
    this.#reading = repeat({ clock, log, delayMs: () => READ_INTERVAL_MS, task })
  }

  /** Whether the list was read once; true without a file, because there are no worlds then. */
  get known(): boolean {
    return this.#options.file === undefined || this.#text !== undefined
  }

  get all(): readonly HostedWorld[] {
    return [...this.#byName.values()]
  }

  /** The world with this name in its paths. */
  find(worldName: string): HostedWorld | undefined {
    return this.#byName.get(worldName.toLowerCase())
  }

  /** The world of a realm; of two with one name the first in the file, which is the older one. */
  ofRealm(realmName: string): HostedWorld | undefined {
    return this.#byRealmName.get(realmName.toLowerCase())
  }

  /** Whether a player who is in a world may stay: a list says who may, a secret only who may enter. */
  mayStay(worldName: string, wallet: PeerId): boolean {
    const access = this.#byName.get(worldName)?.access
    return access?.type !== 'Allowlist' || access.wallets.includes(wallet)
  }

  /** Undefined for a room that is of none of these worlds. */
  useOf(room: string): RoomUse | undefined {
    const world = this.#byRoom.get(room)
    return world && { kind: 'hosted-world', name: world.name }
  }

  stop(): Promise<void> {
    return this.#reading.stop()
  }

  async #read(): Promise<void> {
    const { file, log, onChange } = this.#options
    if (file === undefined) return
    try {
      const text = await readFile(file, 'utf8')
      if (text === this.#text) return
      const { worlds } = worldsFile.parse(JSON.parse(text))
      const isFirst = this.#text === undefined
      const before = [...this.#byRoom.keys()]
      this.#text = text
      this.#isFailing = false
      this.#take(worlds as HostedWorld[])
      log.info({ worlds: worlds.length }, 'the worlds of this gatekeeper were read')
      if (!isFirst) onChange(before.filter((room) => !this.#byRoom.has(room)))
    } catch (error) {
      if (!this.#isFailing)
        log.warn({ file, error: messageOf(error) }, 'the file of worlds cannot be read; those read before stay')
      this.#isFailing = true
    }
  }

  #take(worlds: readonly HostedWorld[]): void {
    this.#byName = new Map(worlds.map((each) => [each.name, each]))
    // Reversed, because of several entries with one key the last one stays.
    this.#byRealmName = new Map([...worlds].reverse().map((each) => [each.realmName.toLowerCase(), each]))
    this.#byRoom = new Map(worlds.flatMap((each) => roomsOf(each).map((room) => [room, each])))
  }
}

/** The room of everyone in a world, and those of its scenes. */
export const roomsOf = (world: HostedWorld): string[] => [world.room, ...world.scenes.map((scene) => sceneRoomOf(world, scene))]

/** The room of one scene of a world. */
export const sceneRoomOf = ({ room }: HostedWorld, sceneId: string): string => `${room}:${sceneId}`
