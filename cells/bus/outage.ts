import type { Clock } from '../chassis/clock.ts'
import type { Bus } from './bus.ts'

/** Milliseconds for which a bus may be away before services say that they are not ready: a broker that restarts is back sooner. */
const GRACE_MS = 10_000

/** Watches how long a bus has been away, for the readiness of a service. */
export class OutageWatch {
  readonly #bus: Bus
  readonly #clock: Clock
  readonly #unsubscribe: () => void
  /** By the monotonic clock. */
  #awaySince: number | undefined

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus
    this.#clock = clock
    this.#awaySince = bus.state === 'connected' ? undefined : clock.monotonic()
    this.#unsubscribe = bus.onState((state) => {
      this.#awaySince = state === 'connected' ? undefined : (this.#awaySince ?? clock.monotonic())
    })
  }

  /** Why the service is not ready; undefined while the bus is there, or away for less than the grace period. */
  get reason(): string | undefined {
    if (this.#awaySince === undefined || this.#clock.monotonic() - this.#awaySince < GRACE_MS) return undefined
    return `the bus is away: ${this.#bus.problem ?? 'the connection broke'}`
  }

  stop(): void {
    this.#unsubscribe()
  }
}
