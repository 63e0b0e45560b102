import type { Clock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { PeerId } from '../wire/peer.ts'
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

const MAX_CONCURRENT_REQUESTS = 20

/** Looks up every connected wallet at intervals, and ends the sessions of banned ones (comms.md §4.6). */
export const watchBans = ({ bans, sessions, server, clock, log, intervalMs }: BanSweep): Running =>
  repeat({
    clock,
    log,
    delayMs: () => intervalMs,
    task: async () => {
      const pending = [...sessions]
      const check = async ([peer, connection]: [PeerId, ClientConnection]) => {
        if (!(await bans.isBanned(peer))) return
        log.info({ peer }, 'the session of a banned player was ended')
        server.end(connection, 'banned')
      }
      while (pending.length > 0) await Promise.all(pending.splice(0, MAX_CONCURRENT_REQUESTS).map(check))
    },
  })
