import { WebSocketServer } from 'ws'
import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Span, Tracer } from '../chassis/tracing.ts'
import type { Bans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { freshChallenge, verifyChallenge } from '../sockets/challenge.ts'
import { socketOptions } from '../sockets/socket-options.ts'
import { type OpenedSocket, type UpgradeLimits, Upgrades } from '../sockets/upgrades.ts'
import { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { decodeClientMessage, serverPackets } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import type { BusBridge } from './bus-bridge.ts'
import { ClientConnection, ConnectorSocket } from './client-connection.ts'
import { ConnectionDeadlines, type ConnectionDeadlinesDeps } from './connection-deadlines.ts'
import { type ConnectorCloseReason, connectorCloseOf } from './core/connector-close-reasons.ts'
import {
  type ConnectorEffect,
  type ConnectorEvent,
  type ConnectorFacts,
  connectorTransition,
} from './core/connector-handshake.ts'
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

/** The sockets of the players (comms.md §4): accepts them, takes each through the handshake, closes them. */
export class SocketServer {
  readonly #deps: SocketServerDeps
  readonly #facts: ConnectorFacts
  readonly #connections = new Set<ClientConnection>()
  readonly #upgrades: Upgrades<ConnectorSocket>
  readonly #deadlines: ConnectionDeadlines
  readonly #writes = new WriteCoalescer()

  constructor(deps: SocketServerDeps) {
    this.#deps = deps
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
    this.#facts = {
      freshChallenge,
      isConnected: (peer) => deps.sessions.has(peer),
      refusalOf: (peer) => (deps.denyList.has(peer) ? 'denied' : undefined),
    }
    this.#deadlines = new ConnectionDeadlines({
      ...deps,
      end: (connection, reason) => this.end(connection, reason),
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
    this.#apply(connection, { is: 'ended', reason })
  }

  /** Sends a packet, or ends a client that stopped reading: a lost island change would leave it in the wrong room. */
  send(connection: ClientConnection, packet: Uint8Array): boolean {
    try {
      if (connection.send(packet)) return true
      this.end(connection, 'slow')
    } catch (error) {
      this.failed(connection, error)
    }
    return false
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
    socket.on('close', (code) => {
      this.#forget(connection)
      this.end(connection, code === ABNORMAL_CLOSURE ? 'lost' : 'gone')
    })
    return connection
  }

  #forget(connection: ClientConnection): void {
    this.#connections.delete(connection)
    this.#deadlines.clear(connection)
  }

  #receive(connection: ClientConnection, data: Buffer): void {
    if (connection.state.at === 'closed') return
    try {
      if (connection.received(this.#deps.clock.monotonic()))
        this.#apply(connection, { is: 'message', message: decodeClientMessage(data) })
      else this.end(connection, 'too_fast')
    } catch (error) {
      this.failed(connection, error)
    }
  }

  /** Every event of a connection ends here: its exceptions end that connection and nothing else. */
  #apply(connection: ClientConnection, event: ConnectorEvent): void {
    try {
      const { state, effects } = connectorTransition(connection.state, event, this.#facts)
      connection.state = state
      for (const effect of effects) this.#perform(connection, effect)
    } catch (error) {
      this.failed(connection, error)
    }
  }

  #perform(connection: ClientConnection, effect: ConnectorEffect): void {
    const { bridge } = this.#deps
    switch (effect.do) {
      case 'heartbeat':
        if (connection.session) bridge.heartbeat(connection.session, effect.heartbeat, effect.payload)
        break
      case 'challenge':
        this.#deadlines.handshakeStep(connection)
        connection.span.event('challenged')
        this.send(connection, serverPackets.challengeResponse(effect.challenge, effect.alreadyConnected))
        break
      case 'verify':
        this.#deadlines.handshakeStep(connection)
        connection.span.event('signed')
        this.#verify(connection, effect).catch((error: unknown) => this.failed(connection, error))
        break
      case 'welcome':
        this.#welcome(connection, effect.peer)
        break
      case 'close':
        this.#close(connection, effect.reason)
        break
      case 'disconnect':
        if (connection.session) bridge.disconnected(connection.session, connectorCloseOf(effect.reason).disconnect ?? 'left')
        break
    }
  }

  async #verify(connection: ClientConnection, signed: { authChainJson: string; challenge: string }): Promise<void> {
    const { verifier, bans, clock, log } = this.#deps
    const verdict = await verifyChallenge(verifier, { ...signed, nowMs: clock.now() }, connection.client)
    const banned = verdict.ok && (await bans.isBanned(verdict.peer))
    if (!verdict.ok) log.debug({ address: connection.client.network, reason: verdict.reason }, 'a handshake was refused')
    connection.span.event('verified')
    this.#apply(connection, { is: 'verdict', verdict, banned })
  }

  #welcome(connection: ClientConnection, peer: PeerId): void {
    const { sessions, bridge, clock, metrics } = this.#deps
    this.#upgrades.authenticated(connection)
    const session = connection.startSession(bridge.newSession(peer), clock.monotonic())
    const older = sessions.register(peer, connection)
    if (older) this.end(older, 'superseded')
    this.#deadlines.welcomed(connection)
    metrics.welcomed.inc()
    endJoin(connection.span, 'welcomed')
    metrics.handshakeSeconds.observe((clock.monotonic() - connection.openedAt) / 1000)
    if (this.send(connection, serverPackets.welcome(peer))) bridge.connected(session)
  }

  #close(connection: ClientConnection, reason: ConnectorCloseReason): void {
    const { sessions, metrics, bridge } = this.#deps
    const { session } = connection
    const counters = session ? metrics.sessionEnded : metrics.handshakeFailed
    counters[reason].inc()
    if (!session) endJoin(connection.span, reason)
    if (session) {
      bridge.forget(session)
      sessions.release(session.peer, connection)
    }
    if (this.#connections.has(connection)) this.#deadlines.closing(connection)
    try {
      connection.close(reason)
    } catch (error) {
      // The session is over already; the effects that announce its end follow.
      this.failed(connection, error)
    }
  }
}

function endJoin(span: Span, outcome: ConnectorCloseReason | 'welcomed'): void {
  span.set({ outcome })
  if (outcome === 'failed') span.fail(outcome)
  span.end()
}
