import type { Clock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Bans } from './adapters/bans.ts'
import type { PlayerConnection } from './player-connection.ts'
import type { SessionRegistry } from './session-registry.ts'
import type { SocketServer } from './socket-server.ts'

export interface BanSweep {
  bans: Bans
  sessions: SessionRegistry<PlayerConnection>
  server: SocketServer
  clock: Clock
  log: Log
  intervalMs: number
}

/** Questions under way at a time. */
const IN_FLIGHT = 20

/** Asks again and again about everybody who is here, and shows the banned out (comms.md §4.6). */
export const watchBans = ({ bans, sessions, server, clock, log, intervalMs }: BanSweep): Running =>
  repeat({
    clock,
    log,
    delayMs: () => intervalMs,
    task: async () => {
      const everybody = [...sessions]
      const check = async ([peer, connection]: [PeerId, PlayerConnection]) => {
        if (!(await bans.isBanned(peer))) return
        log.info({ peer }, 'a banned player was shown out')
        server.end(connection, 'banned')
      }
      while (everybody.length > 0) await Promise.all(everybody.splice(0, IN_FLIGHT).map(check))
    },
  })
