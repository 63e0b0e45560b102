import type { Clock } from '../chassis/clock.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ConnectorCloseReason } from './core/connector-close-reasons.ts'
import { Deadlines } from './core/deadlines.ts'
import type { ConnectorMetrics } from './metrics.ts'

export interface ConnectionDeadlinesDeps {
  limits: {
    /** Milliseconds a client has for each step of the handshake. */
    handshakeTimeoutMs: number
    /** Milliseconds without a frame after which a connection counts as lost. */
    idleTimeoutMs: number
  }
  clock: Clock
  metrics: Pick<ConnectorMetrics, 'pings'>
  end(connection: ClientConnection, reason: ConnectorCloseReason): void
  failed(connection: ClientConnection, error: unknown): void
}

/** How long a client may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 5_000
/** Share of the idle time after which a silent client is pinged: 74 s of 90. */
const PING_AFTER = 74 / 90
const SWEEP_MS = 1_000

/** What happens to connections whose client does nothing: the handshake times out, silent clients are pinged, lost ones are ended. */
export class ConnectionDeadlines {
  readonly #deps: ConnectionDeadlinesDeps
  readonly #deadlines = new Deadlines<ClientConnection>()
  #cancelSweep: () => void

  constructor(deps: ConnectionDeadlinesDeps) {
    this.#deps = deps
    this.#cancelSweep = deps.clock.after(SWEEP_MS, () => this.#sweep())
  }

  /** The next step of the handshake is the client's, or that of the verifier. */
  handshakeStep(connection: ClientConnection): void {
    this.#set(connection, this.#deps.limits.handshakeTimeoutMs)
  }

  welcomed(connection: ClientConnection): void {
    this.#set(connection, this.#deps.limits.idleTimeoutMs * PING_AFTER)
  }

  /** A close frame was sent, and the client should answer it. */
  closing(connection: ClientConnection): void {
    this.#set(connection, CLOSE_TIMEOUT_MS)
  }

  clear(connection: ClientConnection): void {
    this.#deadlines.clear(connection)
  }

  stop(): void {
    this.#cancelSweep()
  }

  #set(connection: ClientConnection, inMs: number): void {
    this.#deadlines.set(connection, this.#deps.clock.monotonic() + inMs)
  }

  #sweep(): void {
    const { clock, failed } = this.#deps
    const now = clock.monotonic()
    for (const connection of this.#deadlines.due(now)) {
      try {
        this.#overdue(connection, now)
      } catch (error) {
        failed(connection, error)
      }
    }
    this.#cancelSweep = clock.after(SWEEP_MS, () => this.#sweep())
  }

  #overdue(connection: ClientConnection, now: number): void {
    const { limits, metrics, end } = this.#deps
    const { at } = connection.state
    const lostAt = connection.lastReceivedAt + limits.idleTimeoutMs
    const pingAt = connection.lastReceivedAt + limits.idleTimeoutMs * PING_AFTER
    if (at === 'closed') connection.terminate()
    else if (at !== 'welcomed') end(connection, 'timeout')
    else if (now >= lostAt) end(connection, 'idle')
    else if (now < pingAt) this.#deadlines.set(connection, pingAt)
    else {
      // Never to a client that sends: the native Bevy explorer takes a ping for a broken packet (comms.md §0.2).
      connection.ping()
      metrics.pings.inc()
      this.#deadlines.set(connection, lostAt)
    }
  }
}
