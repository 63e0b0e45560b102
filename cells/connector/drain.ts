import type { Clock } from '../chassis/clock.ts'
import { goingNow } from './core/spread.ts'
import type { PlayerConnection } from './player-connection.ts'
import type { SocketServer } from './socket-server.ts'

const STEP_MS = 100

/**
 * Sends everybody away with 1012, evenly over `durationMs`, so that the connectors which take over meet a stream of handshakes
 * and not a wall. Whoever still arrives meanwhile is let in and goes last: refused, some explorers would give up for good.
 */
export function drain(server: SocketServer, durationMs: number, clock: Clock): Promise<void> {
  const startedAt = clock.now()
  const sent = new Set<PlayerConnection>()
  return new Promise((resolve) => {
    const go = () => {
      const waiting = [...server.connections].filter((connection) => !sent.has(connection) && connection.state.at !== 'over')
      const elapsedMs = clock.now() - startedAt
      const going = goingNow({ gone: sent.size, waiting: waiting.length, elapsedMs, durationMs, stepMs: STEP_MS })
      for (const connection of waiting.slice(0, going)) {
        sent.add(connection)
        server.end(connection, 'drained')
      }
      if (elapsedMs >= durationMs || server.connections.size === 0) resolve()
      else clock.after(Math.min(STEP_MS, durationMs - elapsedMs), go)
    }
    go()
  })
}
