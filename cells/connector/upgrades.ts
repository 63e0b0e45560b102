import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { clientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import { refuseUpgrade } from '../chassis/refuse-upgrade.ts'
import { socketOptions } from '../sockets/socket-options.ts'
import { UpgradeQueue } from '../sockets/upgrade-queue.ts'
import { ConnectorSocket } from './client-connection.ts'
import { ConnectionLimits } from './core/connection-limits.ts'
import type { ConnectorMetrics } from './metrics.ts'

export interface UpgradeLimits {
  maxConnections: number
  maxConnectionsPerAddress: number
  /** Upgrades admitted per second. */
  handshakesPerSecond: number
}

export interface UpgradesDeps {
  limits: UpgradeLimits
  clock: Clock
  metrics: ConnectorMetrics
  /** A request became a WebSocket. */
  onOpen(socket: ConnectorSocket, stream: Duplex, address: string): void
}

/** Longest message of a client: room for a chain of ten links. */
const MAX_MESSAGE_BYTES = 16 * 1024
const MAX_FRAGMENTS = 64
/** How long an upgrade waits for its turn: some explorers that are refused never try again. */
const MAX_WAIT_MS = 30_000
const RETRY_AFTER_SECONDS = 5

/** Turns requests into WebSockets: within the limits, and only as many per second as leave the connected players undisturbed. */
export class Upgrades {
  readonly #deps: UpgradesDeps
  readonly #limits: ConnectionLimits
  readonly #queue: UpgradeQueue
  // The first subprotocol offered is accepted: what explorers expect (comms.md §0).
  readonly #sockets = new WebSocketServer({
    ...socketOptions,
    skipUTF8Validation: true,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    WebSocket: ConnectorSocket,
  })
  #closed = false

  constructor(deps: UpgradesDeps) {
    const { maxConnections, maxConnectionsPerAddress, handshakesPerSecond } = deps.limits
    this.#deps = deps
    this.#limits = new ConnectionLimits(maxConnections, maxConnectionsPerAddress)
    this.#queue = new UpgradeQueue({ perSecond: handshakesPerSecond, maxWaitMs: MAX_WAIT_MS }, deps.clock)
  }

  /** Upgrades in the queue. */
  get waiting(): number {
    return this.#queue.waiting
  }

  readonly upgrade: UpgradeHandler = (request, stream, head) => {
    const address = clientAddress(request)
    const limit = this.#closed ? 'stopping' : this.#limits.limitReached(address)
    if (limit) return this.#refuse(stream, limit)
    this.#limits.opened(address)
    stream.once('close', () => this.#limits.closed(address))
    // A client sends nothing before its upgrade is answered; that it hangs up while it waits is noticed only by reading.
    const hangUp = () => stream.destroy()
    const leaveQueue = this.#queue.enter(
      () => {
        stream.off('end', hangUp).off('data', hangUp)
        this.#sockets.handleUpgrade(request, stream, head, (socket: ConnectorSocket) =>
          this.#deps.onOpen(socket, stream, address),
        )
      },
      () => this.#refuse(stream, this.#closed ? 'stopping' : 'rate'),
    )
    if (leaveQueue) stream.once('end', hangUp).once('data', hangUp).once('close', leaveQueue)
  }

  /** Refuses further upgrades, and those in the queue. */
  close(): void {
    this.#closed = true
    this.#queue.close()
  }

  #refuse(stream: Duplex, limit: keyof ConnectorMetrics['refused']): void {
    this.#deps.metrics.refused[limit].inc()
    refuseUpgrade(stream, 503, RETRY_AFTER_SECONDS)
  }
}
