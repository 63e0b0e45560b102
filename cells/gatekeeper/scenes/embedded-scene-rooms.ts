import type { Bus } from '../../bus/bus.ts'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf, UserError } from '../../chassis/errors.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'
import { createWsRoomTransport, type WsRoomTransport } from '../../rtc/ws-room-transport.ts'
import type { PeerId } from '../../wire/peer.ts'
import { subjects } from '../../wire/subjects.ts'
import type { GatekeeperConfig } from '../config.ts'
import { roomPrefixesOf, useOf } from '../core/room-names.ts'
import type { RoomVisit } from '../livekit/room-guard.ts'

export interface EmbeddedSceneRoomsOptions {
  clock: Clock
  transport: WsRoomTransport
  /** Whether any scene has a ban of the wallet: for all others nothing more is asked. */
  hasSceneBan: (wallet: PeerId) => boolean
  /** Whether a player may not be in a room that the player was admitted to. */
  isExpelled: (wallet: PeerId, room: string) => Promise<boolean>
  log: Log
}

const MAX_WALLETS = 100_000
/** As many as embedded rooms keep admissions of one peer. */
const MAX_ROOMS = 4
/** Until a player whose place could not be found out is looked at again. */
const SWEEP_MS = 10_000

/**
 * The transport of a gatekeeper whose rooms are embedded. Their members cannot be listed from here, so it remembers which scenes
 * it admitted a player to, and takes that back when the player is banned from one. Bans from the platform need none of it: the
 * rooms follow those themselves. A gatekeeper that starts anew does not know of the admissions before; the player is then refused
 * at the next request.
 */
export class EmbeddedSceneRooms implements RoomTransport, Running {
  readonly kind = 'ws-room'
  readonly #options: EmbeddedSceneRoomsOptions
  /** Rooms of a wallet, the latest last. */
  readonly #admitted = growingCache<PeerId, readonly string[]>(MAX_WALLETS)
  readonly #sweeping: Running

  constructor(options: EmbeddedSceneRoomsOptions) {
    const { clock, log } = options
    this.#options = options
    this.#sweeping = repeat({ clock, log, delayMs: () => SWEEP_MS, task: () => this.sweep() })
  }

  connectionString(peer: PeerId, room: string, kind: 'island' | 'scene') {
    if (kind === 'scene') {
      const others = (this.#admitted.get(peer) ?? []).filter((other) => other !== room)
      this.#admitted.set(peer, [...others, room].slice(-MAX_ROOMS))
    }
    return this.#options.transport.connectionString(peer, room, kind)
  }

  stop(): Promise<void> {
    return this.#sweeping.stop()
  }

  /** Takes back the admissions of players who were banned from a scene since. Never rejects. */
  async sweep(): Promise<void> {
    const { transport, hasSceneBan, isExpelled, log } = this.#options
    const suspects = [...this.#admitted.entries()].filter(([peer]) => hasSceneBan(peer))
    for (const [peer, rooms] of suspects) {
      for (const room of rooms) {
        try {
          if (!(await isExpelled(peer, room))) continue
          this.#admitted.set(
            peer,
            (this.#admitted.peek(peer) ?? []).filter((other) => other !== room),
          )
          transport.revoke(peer, room)
          log.info({ room, peer }, 'a player who may not be in a room was removed from it')
        } catch (error) {
          log.warn({ room, peer, error: messageOf(error) }, 'a player who may not be in a room could not be removed')
        }
      }
    }
  }
}

/** The embedded rooms of the cells; undefined where the rooms are those of a LiveKit, or there are none. */
export function embeddedSceneRooms(
  config: GatekeeperConfig,
  {
    bus,
    isExpelled,
    ...options
  }: Omit<EmbeddedSceneRoomsOptions, 'transport' | 'isExpelled'> & {
    bus: Bus | undefined
    isExpelled: (visit: RoomVisit) => Promise<boolean>
  },
): EmbeddedSceneRooms | undefined {
  const { LIVEKIT_HOST: livekit, ROOMS_URL: url } = config
  if (livekit || !url) return undefined
  if (!bus) throw new UserError('embedded rooms (ROOMS_URL) need a bus for their admissions')
  return new EmbeddedSceneRooms({
    ...options,
    transport: createWsRoomTransport({ url, bus, subjects: subjects(config.BUS_SCOPE) }),
    isExpelled: async (wallet, room) => {
      const use = useOf(room, roomPrefixesOf(config))
      return use !== undefined && (await isExpelled({ room, use, identity: wallet, wallet }))
    },
  })
}
