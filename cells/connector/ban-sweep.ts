import type { Clock } from '../chassis/clock.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
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

/** Between two looks at the version of the bans, so that a new ban ends a session within a second. */
const VERSION_MS = 300
/** The same while the gatekeeper does not answer, or is another one, which has no such version. */
const NO_VERSION_MS = 5_000

/**
 * Looks up the connected wallets at intervals, and whenever the bans changed, and ends the sessions of banned ones (comms.md §4.6).
 */
export function watchBans({ bans, sessions, server, clock, log, intervalMs }: BanSweep): Running {
  const sweep = async () => {
    for (const peer of await bans.bannedOf([...sessions].map(([peer]) => peer))) {
      const connection = sessions.get(peer)
      if (!connection) continue // it has left meanwhile
      log.info({ peer }, 'the session of a banned player was ended')
      server.end(connection, 'banned')
    }
  }
  let seen: string | undefined
  let hasVersion = true
  const look = async () => {
    const version = await bans.version()
    hasVersion = version !== undefined
    if (version === undefined || version === seen) return
    await sweep()
    seen = version
  }
  return stopAll(
    log,
    repeat({ clock, log, delayMs: () => intervalMs, task: sweep }),
    repeat({ clock, log, delayMs: () => (hasVersion ? VERSION_MS : NO_VERSION_MS), task: look }),
  )
}
