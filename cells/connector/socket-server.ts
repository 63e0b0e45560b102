import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { parseAuthChain } from '../identity/chain.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { decodeClientMessage, serverPackets } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Bans } from './adapters/bans.ts'
import type { BusBridge } from './bus-bridge.ts'
import { type ConnectorCloseReason, connectorCloseOf } from './core/connector-close-reasons.ts'
import { type ConnectorEffect, type ConnectorEvent, type ConnectorFacts, connectorStep } from './core/connector-handshake.ts'
import { Deadlines } from './core/deadlines.ts'
import type { ConnectorMetrics } from './metrics.ts'
import { type ConnectorSocket, PlayerConnection } from './player-connection.ts'
import type { SessionRegistry } from './session-registry.ts'
import { type UpgradeLimits, Upgrades } from './upgrades.ts'

/** Every bound a stranger can run into. */
export interface SocketServerLimits extends UpgradeLimits {
  handshakeTimeoutMs: number
  idleTimeoutMs: number
}

export interface SocketServerDeps {
  limits: SocketServerLimits
  clock: Clock
  log: Log
  metrics: ConnectorMetrics
  verifier: ChainVerifier
  denyList: DenyList
  bans: Bans
  sessions: SessionRegistry<PlayerConnection>
  exchange: BusBridge
}

/** How long a client may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 5_000
/** Share of the idle time after which a silent line is asked whether it lives: 74 s of 90. */
const PING_AFTER = 74 / 90
const SWEEP_MS = 1_000
const CHALLENGE_BYTES = 32
/** The code of a connection that ended without a goodbye. */
const LINE_BROKE = 1006

/** The sockets of the players (comms.md §4): lets them in, runs each through the handshake, ends them. */
export class SocketServer {
  readonly #deps: SocketServerDeps
  readonly #facts: ConnectorFacts
  readonly #connections = new Set<PlayerConnection>()
  readonly #door: Upgrades
  readonly #deadlines = new Deadlines<PlayerConnection>()
  readonly #writes = new WriteCoalescer()
  #cancelSweep: () => void

  constructor(deps: SocketServerDeps) {
    this.#deps = deps
    this.#door = new Upgrades({ ...deps, onOpen: (line, stream, address) => this.#open(line, stream, address) })
    this.#facts = {
      freshChallenge: () => `dcl-${randomBytes(CHALLENGE_BYTES).toString('hex')}`,
      isDenied: (peer) => deps.denyList.has(peer),
      isConnected: (peer) => deps.sessions.has(peer),
    }
    this.#cancelSweep = deps.clock.after(SWEEP_MS, () => this.#sweep())
  }

  /** Open sockets, oldest first. */
  get connections(): ReadonlySet<PlayerConnection> {
    return this.#connections
  }

  /** Takes over a connection that asked to become a WebSocket, if there is room for it. */
  get upgrade(): UpgradeHandler {
    return this.#door.upgrade
  }

  /** Connections that wait for their turn to be let in. */
  get waiting(): number {
    return this.#door.waiting
  }

  /** Ends a socket for a reason of ours. */
  end(connection: PlayerConnection, ending: ConnectorCloseReason): void {
    this.#apply(connection, { is: 'ended', ending })
  }

  /** Sends a packet, or ends a client that stopped reading: a lost island change would leave it in the wrong room. */
  send(connection: PlayerConnection, packet: Uint8Array): boolean {
    const sent = connection.send(packet)
    if (!sent) this.end(connection, 'slow')
    return sent
  }

  /** Lets nobody in any more, and says goodbye to whoever is left. */
  close(): void {
    this.#door.close()
    for (const connection of this.#connections) this.end(connection, 'drained')
  }

  /** Cuts the lines of those who did not answer the goodbye. */
  terminateAll(): void {
    this.#cancelSweep()
    for (const connection of this.#connections) connection.terminate()
  }

  #open(line: ConnectorSocket, stream: Duplex, address: string): void {
    const { clock, limits, log } = this.#deps
    const connection = new PlayerConnection(line, stream, this.#writes, address, clock.now())
    this.#connections.add(connection)
    this.#deadlines.set(connection, clock.now() + limits.handshakeTimeoutMs)
    const heard = () => {
      connection.lastReceivedAt = clock.now()
    }
    line.on('message', (data) => {
      if (connection.state.at === 'over') return
      heard()
      // Text or binary is all the same (comms.md §4.2); the default binary type always hands over one Buffer.
      this.#apply(connection, { is: 'message', message: decodeClientMessage(data as Buffer) })
    })
    line.on('ping', heard)
    line.on('pong', heard)
    line.on('error', (error) => log.debug({ err: error, address }, 'a socket failed'))
    line.on('close', (code) => {
      this.#forget(connection)
      this.end(connection, code === LINE_BROKE ? 'lost' : 'gone')
    })
  }

  #forget(connection: PlayerConnection): void {
    this.#connections.delete(connection)
    this.#deadlines.clear(connection)
  }

  #apply(connection: PlayerConnection, event: ConnectorEvent): void {
    const { state, effects } = connectorStep(connection.state, event, this.#facts)
    connection.state = state
    for (const effect of effects) this.#perform(connection, effect)
  }

  #perform(connection: PlayerConnection, effect: ConnectorEffect): void {
    const { exchange, clock, limits } = this.#deps
    switch (effect.do) {
      case 'heartbeat':
        if (connection.session) exchange.heartbeat(connection.session, effect.heartbeat, effect.payload)
        break
      case 'challenge':
        this.#deadlines.set(connection, clock.now() + limits.handshakeTimeoutMs)
        this.send(connection, serverPackets.challengeResponse(effect.challenge, effect.alreadyConnected))
        break
      case 'verify':
        this.#deadlines.set(connection, clock.now() + limits.handshakeTimeoutMs)
        void this.#judge(connection, effect.authChainJson, effect.challenge)
        break
      case 'welcome':
        this.#welcome(connection, effect.peer)
        break
      case 'end':
        this.#sayGoodbye(connection, effect.ending)
        break
      case 'leave':
        if (connection.session) exchange.left(connection.session, connectorCloseOf(effect.ending).leaves ?? 'left')
        break
    }
  }

  async #judge(connection: PlayerConnection, authChainJson: string, challenge: string): Promise<void> {
    const { verifier, bans, clock, log } = this.#deps
    const chain = parseAuthChain(authChainJson)
    const verdict = chain
      ? await verifier.verify(chain, challenge, clock.now())
      : ({ ok: false, reason: 'this is no auth chain' } as const)
    const banned = verdict.ok && (await bans.isBanned(verdict.peer))
    if (!verdict.ok) log.debug({ address: connection.address, reason: verdict.reason }, 'a handshake was refused')
    this.#apply(connection, { is: 'verdict', verdict, banned })
  }

  #welcome(connection: PlayerConnection, peer: PeerId): void {
    const { sessions, exchange, clock, metrics, limits } = this.#deps
    connection.startSession(exchange.newSessionId(), peer, clock.now())
    const older = sessions.register(peer, connection)
    if (older) this.end(older, 'superseded')
    this.#deadlines.set(connection, clock.now() + limits.idleTimeoutMs * PING_AFTER)
    metrics.welcomed.inc()
    metrics.handshakeSeconds.observe((clock.now() - connection.openedAt) / 1000)
    if (this.send(connection, serverPackets.welcome(peer)) && connection.session) exchange.joined(connection.session)
  }

  #sayGoodbye(connection: PlayerConnection, ending: ConnectorCloseReason): void {
    const { sessions, metrics, exchange, clock } = this.#deps
    const { session } = connection
    const counters = session ? metrics.sessionEnded : metrics.handshakeFailed
    counters[ending].inc()
    if (session) {
      exchange.forget(session)
      sessions.release(session.peer, connection)
    }
    if (this.#connections.has(connection)) this.#deadlines.set(connection, clock.now() + CLOSE_TIMEOUT_MS)
    connection.end(ending)
  }

  #sweep(): void {
    const now = this.#deps.clock.now()
    for (const connection of this.#deadlines.due(now)) this.#overdue(connection, now)
    this.#cancelSweep = this.#deps.clock.after(SWEEP_MS, () => this.#sweep())
  }

  #overdue(connection: PlayerConnection, now: number): void {
    const { idleTimeoutMs } = this.#deps.limits
    const { at } = connection.state
    const deadAt = connection.lastReceivedAt + idleTimeoutMs
    const pingAt = connection.lastReceivedAt + idleTimeoutMs * PING_AFTER
    if (at === 'over') connection.terminate()
    else if (at !== 'welcomed') this.end(connection, 'timeout')
    else if (now >= deadAt) this.end(connection, 'idle')
    else if (now < pingAt) this.#deadlines.set(connection, pingAt)
    else {
      // Never to a client that talks: the native Bevy explorer takes a ping for a broken packet (comms.md §0.2).
      connection.ping()
      this.#deps.metrics.pings.inc()
      this.#deadlines.set(connection, deadAt)
    }
  }
}
