import type { HostedWorld } from '../../../crds/world.ts'
import type { Clock } from '../../chassis/clock.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import { walletOf } from '../core/room-names.ts'
import { roomsOf } from './world-list.ts'

/** Who is in rooms. */
export interface RoomMembers {
  /** The members of each of these rooms that exists. @throws Refusal UNAVAILABLE while that cannot be found out */
  membersOf(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly PeerId[]>>
  /** How many members each of these rooms has that exists. @throws as `membersOf` */
  sizesOf(rooms: readonly string[]): Promise<ReadonlyMap<string, number>>
}

/** The rooms of a LiveKit server. */
export const livekitMembers = (rooms: Pick<LivekitRooms, 'rooms' | 'participants'>): RoomMembers => ({
  async membersOf(names) {
    // The number of participants in this list is some seconds old.
    const existing = await rooms.rooms(names)
    const members = await Promise.all(existing.map(({ name }) => rooms.participants(name)))
    return new Map(existing.map(({ name }, n) => [name, (members[n] ?? []).flatMap(({ identity }) => walletOf(identity) ?? [])]))
  },
  sizesOf: async (names) => new Map((await rooms.rooms(names)).map(({ name, participantCount }) => [name, participantCount])),
})

/** The embedded rooms of this process. */
export const embeddedMembers = (rooms: { members(room: string): PeerId[] }): RoomMembers => ({
  membersOf: async (names) => new Map(names.map((name) => [name, rooms.members(name)])),
  sizesOf: async (names) => new Map(names.map((name) => [name, rooms.members(name).length])),
})

/** How long a list of members, and the numbers of all worlds, are taken for current. */
const FRESH_MS = 1_000
/** How long a player who got a token counts as present, so that many who come at once are not all let in. */
const ARRIVAL_MS = 15_000
const MAX_WORLDS = 10_000

interface Known {
  readAtMs: number
  members: Promise<ReadonlySet<PeerId>>
}

/** How many players are in each world: those in its rooms, and those on their way. */
export class Occupancy {
  readonly #rooms: RoomMembers
  readonly #clock: Clock
  readonly #known = growingCache<string, Known>(MAX_WORLDS)
  readonly #arriving = growingCache<string, Map<PeerId, number>>(MAX_WORLDS)
  #counted: { readAtMs: number; of: readonly HostedWorld[]; sizes: Promise<ReadonlyMap<string, number>> } | undefined

  constructor(rooms: RoomMembers, clock: Clock) {
    this.#rooms = rooms
    this.#clock = clock
  }

  /** Lets a player in if there is room, or the player is in already; false = the world is full. @throws Refusal UNAVAILABLE */
  async admit(world: HostedWorld, wallet: PeerId): Promise<boolean> {
    const members = await this.#membersOf(world)
    const nowMs = this.#clock.monotonic()
    const arriving = this.#arrivingIn(world, nowMs)
    if (!members.has(wallet) && !arriving.has(wallet)) {
      const coming = [...arriving.keys()].filter((one) => !members.has(one)).length
      if (members.size + coming >= world.capacity) return false
    }
    arriving.set(wallet, nowMs + ARRIVAL_MS)
    return true
  }

  /** Whether a player is in a room of the world, or got a token a moment ago. @throws Refusal UNAVAILABLE */
  async isIn(world: HostedWorld, wallet: PeerId): Promise<boolean> {
    if (this.#arrivingIn(world, this.#clock.monotonic()).has(wallet)) return true
    return (await this.#membersOf(world)).has(wallet)
  }

  /** How many players are in the room of each world, by its name. @throws Refusal UNAVAILABLE */
  async counts(worlds: readonly HostedWorld[]): Promise<ReadonlyMap<string, number>> {
    const nowMs = this.#clock.monotonic()
    const isFresh = this.#counted && nowMs - this.#counted.readAtMs < FRESH_MS && this.#counted.of.length === worlds.length
    if (!isFresh) this.#counted = { readAtMs: nowMs, of: worlds, sizes: this.#rooms.sizesOf(worlds.map(({ room }) => room)) }
    const sizes = await this.#counted?.sizes
    return new Map(worlds.map(({ name, room }) => [name, sizes?.get(room) ?? 0]))
  }

  async #membersOf(world: HostedWorld): Promise<ReadonlySet<PeerId>> {
    const nowMs = this.#clock.monotonic()
    const known = this.#known.get(world.name)
    if (known && nowMs - known.readAtMs < FRESH_MS) return known.members
    const members = this.#rooms.membersOf(roomsOf(world)).then((found) => new Set([...found.values()].flat()))
    this.#known.set(world.name, { readAtMs: nowMs, members })
    return members
  }

  #arrivingIn({ name }: HostedWorld, nowMs: number): Map<PeerId, number> {
    const arriving = this.#arriving.get(name) ?? new Map<PeerId, number>()
    for (const [wallet, untilMs] of arriving) if (untilMs <= nowMs) arriving.delete(wallet)
    this.#arriving.set(name, arriving)
    return arriving
  }
}
