import type { Clock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { Bans } from './adapters/bans.ts'
import type { ClientConnection } from './client-connection.ts'
import type { SessionRegistry } from './session-registry.ts'
import type { SocketServer } from './socket-server.ts'

export interface BanSweep {
  bans: Bans
  sessions: SessionRegistry<ClientConnection>
  server: SocketServer
  clock: Clock
  log: Log
  intervalMs: number
}

/** Looks up the connected wallets at intervals, and ends the sessions of banned ones (comms.md §4.6). */
export const watchBans = ({ bans, sessions, server, clock, log, intervalMs }: BanSweep): Running =>
  repeat({
    clock,
    log,
    delayMs: () => intervalMs,
    task: async () => {
      for (const peer of await bans.bannedOf([...sessions].map(([peer]) => peer))) {
        const connection = sessions.get(peer)
        if (!connection) continue // it has left meanwhile
        log.info({ peer }, 'the session of a banned player was ended')
        server.end(connection, 'banned')
      }
    },
  })
