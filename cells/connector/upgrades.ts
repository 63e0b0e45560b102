import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import { UpgradeQueue } from '../sockets/upgrade-queue.ts'
import { clientAddress } from './client-address.ts'
import { ConnectionLimits } from './core/connection-limits.ts'
import type { ConnectorMetrics } from './metrics.ts'
import { ConnectorSocket } from './player-connection.ts'

/** How many may come in. */
export interface UpgradeLimits {
  maxConnections: number
  maxConnectionsPerAddress: number
  handshakesPerSecond: number
}

export interface UpgradesDeps {
  limits: UpgradeLimits
  clock: Clock
  metrics: ConnectorMetrics
  /** A connection became a WebSocket. */
  onOpen(line: ConnectorSocket, stream: Duplex, address: string): void
}

/** Longest message of a client: room for a chain of ten links. */
const MAX_MESSAGE_BYTES = 16 * 1024
const MAX_FRAGMENTS = 64
/** How long a connection waits for its turn: refused, some explorers would give up for good. */
const MAX_WAIT_MS = 30_000

/** Where connections become WebSockets: as many as there is room for, and as many per second as those who are in can bear. */
export class Upgrades {
  readonly #deps: UpgradesDeps
  readonly #headcount: ConnectionLimits
  readonly #turnstile: UpgradeQueue
  // No compression, and the first subprotocol offered is echoed: what explorers expect (comms.md §0).
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    skipUTF8Validation: true,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    WebSocket: ConnectorSocket,
  })
  #closed = false

  constructor(deps: UpgradesDeps) {
    const { maxConnections, maxConnectionsPerAddress, handshakesPerSecond } = deps.limits
    this.#deps = deps
    this.#headcount = new ConnectionLimits(maxConnections, maxConnectionsPerAddress)
    this.#turnstile = new UpgradeQueue({ perSecond: handshakesPerSecond, maxWaitMs: MAX_WAIT_MS }, deps.clock)
  }

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.#turnstile.waiting
  }

  /** Takes over a connection that asked to become a WebSocket, if there is room for it. */
  readonly upgrade: UpgradeHandler = (request, stream, head) => {
    const address = clientAddress(request)
    const limit = this.#closed ? 'stopping' : this.#headcount.limitReached(address)
    if (limit) return this.#refuse(stream, limit)
    this.#headcount.opened(address)
    stream.once('close', () => this.#headcount.closed(address))
    // Nobody speaks before it is answered, and who hangs up while waiting is heard only by whoever reads.
    const hangUp = () => stream.destroy()
    const leaveQueue = this.#turnstile.enter(
      () => {
        stream.off('end', hangUp).off('data', hangUp)
        this.#sockets.handleUpgrade(request, stream, head, (line: ConnectorSocket) => this.#deps.onOpen(line, stream, address))
      },
      () => this.#refuse(stream, this.#closed ? 'stopping' : 'rate'),
    )
    if (leaveQueue) stream.once('end', hangUp).once('data', hangUp).once('close', leaveQueue)
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#closed = true
    this.#turnstile.close()
  }

  #refuse(stream: Duplex, limit: keyof ConnectorMetrics['refused']): void {
    this.#deps.metrics.refused[limit].inc()
    stream.end('HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  }
}
