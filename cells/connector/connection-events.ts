import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { Span } from '../chassis/tracing.ts'
import type { Bans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { freshChallenge, verifyChallenge } from '../sockets/challenge.ts'
import { serverPackets } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import type { BusBridge } from './bus-bridge.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ConnectionDeadlines } from './connection-deadlines.ts'
import { type ConnectorCloseReason, connectorCloseOf } from './core/connector-close-reasons.ts'
import {
  type ConnectorEffect,
  type ConnectorEvent,
  type ConnectorFacts,
  connectorTransition,
} from './core/connector-handshake.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface ConnectionEventsDeps {
  clock: Clock
  log: Log
  metrics: ConnectorMetrics
  verifier: ChainVerifier
  denyList: DenyList
  bans: Bans
  sessions: SessionRegistry<ClientConnection>
  bridge: BusBridge
  deadlines: ConnectionDeadlines
  /** Whether its socket is open, or waits for the answer to a close frame. */
  hasSocket(connection: ClientConnection): boolean
  /** The client signed in. */
  authenticated(connection: ClientConnection): void
  /** An exception at an event of this connection. */
  failed(connection: ClientConnection, error: unknown): void
}

/** What happens to connections: asks the state machine what to do, and does it with the client, the verifier and the bus. */
export class ConnectionEvents {
  readonly #deps: ConnectionEventsDeps
  readonly #facts: ConnectorFacts

  constructor(deps: ConnectionEventsDeps) {
    this.#deps = deps
    this.#facts = {
      freshChallenge,
      isConnected: (peer) => deps.sessions.has(peer),
      refusalOf: (peer) => (deps.denyList.has(peer) ? 'denied' : undefined),
    }
  }

  /** Every event of a connection ends here: its exceptions end that connection and nothing else. */
  happened(connection: ClientConnection, event: ConnectorEvent): void {
    try {
      const { state, effects } = connectorTransition(connection.state, event, this.#facts)
      connection.state = state
      for (const effect of effects) this.#perform(connection, effect)
    } catch (error) {
      this.#deps.failed(connection, error)
    }
  }

  /** Sends a packet, or ends a client that stopped reading: a lost island change would leave it in the wrong room. */
  send(connection: ClientConnection, packet: Uint8Array): boolean {
    try {
      if (connection.send(packet)) return true
      this.#end(connection, 'slow')
    } catch (error) {
      this.#deps.failed(connection, error)
    }
    return false
  }

  #end(connection: ClientConnection, reason: ConnectorCloseReason): void {
    this.happened(connection, { is: 'ended', reason })
  }

  #perform(connection: ClientConnection, effect: ConnectorEffect): void {
    const { bridge, deadlines, failed } = this.#deps
    switch (effect.do) {
      case 'heartbeat':
        if (connection.session) bridge.heartbeat(connection.session, effect.heartbeat, effect.payload)
        break
      case 'challenge':
        deadlines.handshakeStep(connection)
        connection.span.event('challenged')
        this.send(connection, serverPackets.challengeResponse(effect.challenge, effect.alreadyConnected))
        break
      case 'verify':
        deadlines.handshakeStep(connection)
        connection.span.event('signed')
        this.#verify(connection, effect).catch((error: unknown) => failed(connection, error))
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
    this.happened(connection, { is: 'verdict', verdict, banned })
  }

  #welcome(connection: ClientConnection, peer: PeerId): void {
    const { sessions, bridge, clock, metrics, deadlines, authenticated } = this.#deps
    authenticated(connection)
    const session = connection.startSession(bridge.newSession(peer), clock.monotonic())
    const older = sessions.register(peer, connection)
    if (older) this.#end(older, 'superseded')
    deadlines.welcomed(connection)
    metrics.welcomed.inc()
    endJoin(connection.span, 'welcomed')
    metrics.handshakeSeconds.observe((clock.monotonic() - connection.openedAt) / 1000)
    if (this.send(connection, serverPackets.welcome(peer))) bridge.connected(session)
  }

  #close(connection: ClientConnection, reason: ConnectorCloseReason): void {
    const { sessions, metrics, bridge, deadlines, hasSocket, failed } = this.#deps
    const { session } = connection
    const counters = session ? metrics.sessionEnded : metrics.handshakeFailed
    counters[reason].inc()
    if (!session) endJoin(connection.span, reason)
    if (session) {
      bridge.forget(session)
      sessions.release(session.peer, connection)
    }
    if (hasSocket(connection)) deadlines.closing(connection)
    try {
      connection.close(reason)
    } catch (error) {
      // The session is over already; the effects that announce its end follow.
      failed(connection, error)
    }
  }
}

function endJoin(span: Span, outcome: ConnectorCloseReason | 'welcomed'): void {
  span.set({ outcome })
  if (outcome === 'failed') span.fail(outcome)
  span.end()
}
