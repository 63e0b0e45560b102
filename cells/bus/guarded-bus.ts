import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { Bus, BusListener, BusState } from './bus.ts'

/**
 * The bus as one service uses it: an exception of a listener ends the work on that message and nothing else, and is counted as a bug of the
 * service. A client of the broker can repeat the message that causes it.
 */
export class GuardedBus implements Bus {
  readonly #bus: Bus
  readonly #bugs: BugReporter

  constructor(bus: Bus, bugs: BugReporter) {
    this.#bus = bus
    this.#bugs = bugs
  }

  get state(): BusState {
    return this.#bus.state
  }

  get problem(): string | undefined {
    return this.#bus.problem
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#bus.publish(subject, payload)
  }

  subscribe(pattern: string, listener: BusListener): () => void {
    return this.#bus.subscribe(pattern, (payload, subject) => {
      try {
        listener(payload, subject)
      } catch (error) {
        this.#bugs.report('message', error, { subject })
      }
    })
  }

  onState(listener: (state: BusState) => void): () => void {
    return this.#bus.onState((state) => {
      try {
        listener(state)
      } catch (error) {
        this.#bugs.report('message', error, { state })
      }
    })
  }

  flush(): Promise<void> {
    return this.#bus.flush()
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}
