import { readConfig } from '../../cells/archipelago/config.ts'
import { peerId } from '../../cells/archipelago/core/fixtures.ts'
import { startArchipelago } from '../../cells/archipelago/service.ts'
import type { Bus } from '../../cells/bus/bus.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { RunningService } from '../../cells/chassis/running-service.ts'
import { withFencingToken } from '../../cells/wire/extension-fields.ts'
import type { FencingToken } from '../../cells/wire/fencing-token.ts'
import { busPayloads } from '../../cells/wire/packets.ts'
import { subjects } from '../../cells/wire/subjects.ts'
import { Crowd, SPREADS } from '../archipelago/crowd.ts'

const at = subjects('')
/** Heartbeats published before the event loop goes on. */
const SLICE = 2_500
/** What a core carries (docs/performance.md). The players of an island are at all of them. */
const PEERS_PER_CONNECTOR = 10_000
const LIVEKIT = {
  LIVEKIT_HOST: 'wss://livekit.example.org',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
}

/** A whole archipelago, and a crowd of walking peers that send heartbeats over the same bus. */
export class LoadedArchipelago {
  readonly #bus: Bus
  readonly #crowd: Crowd
  readonly #ids: readonly ReturnType<typeof peerId>[]
  readonly #metrics = new Metrics('archipelago')
  readonly #sessions: readonly FencingToken[]
  #service: RunningService | undefined

  /** @param groups whether the connectors take island groups, or are of the version before */
  constructor(bus: Bus, peers: number, groups: boolean) {
    this.#bus = bus
    this.#crowd = new Crowd(peers, SPREADS.spread, 7)
    this.#ids = Array.from({ length: peers }, (_, n) => peerId(n))
    const connectors = Math.ceil(peers / PEERS_PER_CONNECTOR)
    this.#sessions = Array.from({ length: connectors }, (_, n) => `000000001-${groups ? 'k' : '0'}${String(n).padStart(12, '0')}`)
  }

  get size(): number {
    return this.#crowd.size
  }

  async open(): Promise<void> {
    const config = readConfig({ NATS_URL: 'nats://127.0.0.1', ...LIVEKIT })
    this.#service = await startArchipelago(config, {
      ...{ bus: this.#bus, log: silentLog, clock: systemClock, metrics: this.#metrics, alone: true },
    })
  }

  async close(): Promise<void> {
    await this.#service?.stop()
    await this.#bus.close()
  }

  /** All peers walk on and send a heartbeat, with a pause after each slice. */
  async sendHeartbeats(pauseMs: number): Promise<void> {
    this.#crowd.walk()
    for (const [n, id] of this.#ids.entries()) {
      const heartbeat = { position: this.#crowd.at(n), desiredRoom: undefined }
      const session = this.#sessions[n % this.#sessions.length] ?? ''
      this.#bus.publish(at.heartbeat(id), withFencingToken(busPayloads.encodeHeartbeat(heartbeat), session))
      if (n % SLICE === SLICE - 1) await sleep(pauseMs)
    }
    await this.#bus.flush()
  }

  /** Announcements published so far. */
  async announced(): Promise<number> {
    return (await this.#values('_room_changes_total')).reduce((sum, { value }) => sum + value, 0)
  }

  /** Waits for the end of the next flush; returns its duration in ms. */
  async nextFlush(): Promise<number> {
    const before = await this.#flushes()
    for (;;) {
      await sleep(5)
      const now = await this.#flushes()
      if (now.count > before.count) return ((now.seconds - before.seconds) / (now.count - before.count)) * 1_000
    }
  }

  async #flushes(): Promise<{ count: number; seconds: number }> {
    const values = await this.#values('_flush_seconds')
    const value = (suffix: string) => values.find(({ metricName }) => metricName?.endsWith(suffix))?.value ?? 0
    return { count: value('_count'), seconds: value('_sum') }
  }

  async #values(name: string): Promise<readonly { value: number; metricName?: string }[]> {
    const metrics = await this.#metrics.registry.getMetricsAsJSON()
    return metrics.find((metric) => metric.name.endsWith(name))?.values ?? []
  }
}

/** Resolves after so many ms; with 0 after one turn of the event loop. */
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms)
    else setImmediate(resolve)
  })
