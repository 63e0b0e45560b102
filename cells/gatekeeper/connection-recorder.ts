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

/** `connectionsLost` counts records that could not be written. */
export interface ConnectionRecorderOptions {
  clock: Clock
  log: Log
  metrics: Pick<GatekeeperMetrics, 'connectionsLost'>
}

/**
 * Records the addresses and devices of players in batches, so that a busy gatekeeper writes a few statements a second instead of
 * one per player. No request waits for it; records that cannot be written are counted and dropped.
 */
export class ConnectionRecorder implements Running {
  readonly #storage: Pick<Storage, 'recordConnections'>
  readonly #options: ConnectionRecorderOptions
  readonly #waiting = new Map<PeerId, PlayerConnection>()
  #isScheduled = false
  #cancel = () => {}
  #writing = Promise.resolve()

  constructor(storage: Pick<Storage, 'recordConnections'>, options: ConnectionRecorderOptions) {
    this.#storage = storage
    this.#options = options
  }

  /** A value that is undefined keeps the one recorded before. */
  record({ address, ipAddress, deviceId }: PlayerConnection): void {
    const earlier = this.#waiting.get(address)
    if (!earlier && this.#waiting.size >= MAX_WAITING) {
      this.#options.metrics.connectionsLost.inc()
      return
    }
    this.#waiting.set(address, {
      address,
      ipAddress: ipAddress ?? earlier?.ipAddress,
      deviceId: deviceId ?? earlier?.deviceId,
    })
    this.#schedule()
  }

  /** Writes what is still waiting. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#writing
    await this.#flush()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#cancel = this.#options.clock.after(FLUSH_AFTER_MS, () => {
      this.#writing = this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const { clock, log, metrics } = this.#options
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values()].slice(0, MAX_BATCH)
      for (const { address } of batch) this.#waiting.delete(address)
      await this.#storage.recordConnections(batch, clock.now()).catch((error: unknown) => {
        metrics.connectionsLost.inc(batch.length)
        log.warn({ error: messageOf(error), players: batch.length }, 'connections could not be recorded')
      })
    }
    this.#isScheduled = false
  }
}
