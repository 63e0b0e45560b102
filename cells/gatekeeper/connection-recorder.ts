import type { Clock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { PeerId } from '../wire/peer.ts'
import type { PlayerConnection, Storage } from './adapters/storage.ts'
import type { GatekeeperMetrics } from './metrics.ts'

const FLUSH_AFTER_MS = 100
const MAX_BATCH = 500
const MAX_WAITING = 10_000

/** Remembers where players were seen, behind their backs: nobody waits for it, and what fails is counted and forgotten. */
export interface ConnectionRecorder extends Running {
  record(connection: PlayerConnection): void
}

/** Gathers connections for a moment, so that a busy gatekeeper writes a few statements a second instead of one per player. */
export function createConnectionRecorder(
  storage: Storage,
  { clock, log, metrics }: { clock: Clock; log: Log; metrics: Pick<GatekeeperMetrics, 'connectionsLost'> },
): ConnectionRecorder {
  const waiting = new Map<PeerId, PlayerConnection>()
  let scheduled = false
  let cancel = () => {}
  let writing = Promise.resolve()

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    cancel = clock.after(FLUSH_AFTER_MS, () => {
      writing = flush()
    })
  }

  async function flush(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()].slice(0, MAX_BATCH)
      for (const { address } of batch) waiting.delete(address)
      await storage.recordConnections(batch, clock.now()).catch((error: unknown) => {
        metrics.connectionsLost.inc(batch.length)
        log.warn({ error: messageOf(error), players: batch.length }, 'connections could not be recorded')
      })
    }
    scheduled = false
  }

  return {
    record(seen) {
      const earlier = waiting.get(seen.address)
      if (!earlier && waiting.size >= MAX_WAITING) {
        metrics.connectionsLost.inc()
        return
      }
      waiting.set(seen.address, {
        address: seen.address,
        ipAddress: seen.ipAddress ?? earlier?.ipAddress,
        deviceId: seen.deviceId ?? earlier?.deviceId,
      })
      schedule()
    },
    async stop() {
      cancel()
      await writing
      await flush()
    },
  }
}
