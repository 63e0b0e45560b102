import { WebSocketServer } from 'ws'
import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Tracer } from '../chassis/tracing.ts'
import type { Bans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { SlicedWork } from '../sockets/sliced-work.ts'
import { socketOptions } from '../sockets/socket-options.ts'
import { type OpenedSocket, type UpgradeLimits, Upgrades } from '../sockets/upgrades.ts'
import { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { decodeClientMessage } from '../wire/packets.ts'
import type { BusBridge } from './bus-bridge.ts'
import { ClientConnection, ConnectorSocket } from './client-connection.ts'
import { ConnectionDeadlines, type ConnectionDeadlinesDeps } from './connection-deadlines.ts'
import { ConnectionEvents } from './connection-events.ts'
import type { ConnectorCloseReason } from './core/connector-close-reasons.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface SocketServerDeps {
  limits: UpgradeLimits & ConnectionDeadlinesDeps['limits']
  proxies: TrustedProxies
  clock: Clock
  log: Log
  bugs: BugReporter
  metrics: ConnectorMetrics
  tracer: Tracer
  verifier: ChainVerifier
  denyList: DenyList
  bans: Bans
  sessions: SessionRegistry<ClientConnection>
  bridge: BusBridge
}

/** Longest message of a client: a chain of three links has 600 bytes, that of a contract wallet some thousand. */
const MAX_MESSAGE_BYTES = 16 * 1024
const MAX_FRAGMENTS = 64
/** The code of a connection that ended without a close frame. */
const ABNORMAL_CLOSURE = 1006

/** The sockets of the players (comms.md §4): accepts them, reads what they send, drops them; what follows is for `ConnectionEvents`. */
export class SocketServer {
  readonly #deps: SocketServerDeps
  readonly #connections = new Set<ClientConnection>()
  readonly #upgrades: Upgrades<ConnectorSocket>
  readonly #deadlines: ConnectionDeadlines
  readonly #events: ConnectionEvents
  readonly #writes = new WriteCoalescer()
  /** When a proxy or a network fails, the connections of all its players end at once. */
  readonly #hangUps: SlicedWork

  constructor(deps: SocketServerDeps) {
    this.#deps = deps
    this.#hangUps = new SlicedWork(deps.clock)
    this.#upgrades = new Upgrades({
      ...deps,
      refused: deps.metrics.refused,
      // The first subprotocol offered is accepted: what explorers expect (comms.md §0).
      server: new WebSocketServer({
        ...socketOptions,
        skipUTF8Validation: true,
        maxPayload: MAX_MESSAGE_BYTES,
        maxFragments: MAX_FRAGMENTS,
        WebSocket: ConnectorSocket,
      }),
      onOpen: (opened) => this.#open(opened),
    })
    this.#deadlines = new ConnectionDeadlines({
      ...deps,
      end: (connection, reason) => this.end(connection, reason),
      failed: (connection, error) => this.failed(connection, error),
    })
    this.#events = new ConnectionEvents({
      ...deps,
      deadlines: this.#deadlines,
      hasSocket: (connection) => this.#connections.has(connection),
      authenticated: (connection) => this.#upgrades.authenticated(connection),
      failed: (connection, error) => this.failed(connection, error),
    })
  }

  /** Open sockets, oldest first. */
  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections
  }

  /** Turns a request into a WebSocket, within the limits. */
  get upgrade(): UpgradeHandler {
    return this.#upgrades.upgrade
  }

  /** Upgrades in the queue. */
  get waiting(): number {
    return this.#upgrades.waiting
  }

  /** Ends a socket for a reason of the connector's own. */
  end(connection: ClientConnection, reason: ConnectorCloseReason): void {
    this.#events.happened(connection, { is: 'ended', reason })
  }

  /** As `ConnectionEvents.send`. */
  send(connection: ClientConnection, packet: Uint8Array): boolean {
    return this.#events.send(connection, packet)
  }

  /** Reports an exception, and ends the connection it belongs to: no other one may suffer from what a client sent. */
  failed(connection: ClientConnection, error: unknown): void {
    this.#deps.bugs.report('connection', error, { address: connection.client.network })
    if (connection.state.at !== 'closed') this.end(connection, 'failed')
    else connection.terminate()
  }

  /** Connections that are not being closed yet, oldest first. */
  remaining(): ClientConnection[] {
    return [...this.#connections].filter(({ state }) => state.at !== 'closed')
  }

  /** Refuses further upgrades and closes the remaining sockets. */
  closeAll(): void {
    this.#upgrades.close()
    for (const connection of this.#connections) this.end(connection, 'drained')
  }

  /** Drops the connections of clients that did not answer the close frame. */
  terminateAll(): void {
    this.#deadlines.stop()
    for (const connection of this.#connections) connection.terminate()
  }

  #open(opened: OpenedSocket<ConnectorSocket>): ClientConnection {
    const { clock, log, tracer } = this.#deps
    const { socket, client } = opened
    const connection = new ClientConnection(opened, {
      writes: this.#writes,
      nowMs: clock.monotonic(),
      displace: (displaced) => this.end(displaced, 'displaced'),
      span: tracer.begin('join', { kind: 'server' }),
    })
    this.#connections.add(connection)
    this.#deadlines.handshakeStep(connection)
    // The library answers pings by itself: each is as much work as a message.
    const received = () => {
      if (!connection.received(clock.monotonic())) this.end(connection, 'too_fast')
    }
    // Text or binary makes no difference (comms.md §4.2); the default binary type always hands over one Buffer.
    socket.on('message', (data) => this.#receive(connection, data as Buffer))
    socket.on('ping', received)
    socket.on('pong', received)
    socket.on('error', (error) => log.debug({ err: error, address: client.network }, 'a socket failed'))
    socket.on('close', (code) => this.#hangUps.do(() => this.#hungUp(connection, code)))
    return connection
  }

  /** Until then the connection counts as open: a connector that stops waits for those, so that the end of each session is published. */
  #hungUp(connection: ClientConnection, code: number): void {
    this.#connections.delete(connection)
    this.#deadlines.clear(connection)
    this.end(connection, code === ABNORMAL_CLOSURE ? 'lost' : 'gone')
  }

  #receive(connection: ClientConnection, data: Buffer): void {
    if (connection.state.at === 'closed') return
    try {
      if (connection.received(this.#deps.clock.monotonic()))
        this.#events.happened(connection, { is: 'message', message: decodeClientMessage(data) })
      else this.end(connection, 'too_fast')
    } catch (error) {
      this.failed(connection, error)
    }
  }
}
