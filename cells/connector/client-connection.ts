import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { ClientAddress } from '../chassis/client-address.ts'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'
import type { Span } from '../chassis/tracing.ts'
import { closeSocket } from '../sockets/close-socket.ts'
import { floodRate } from '../sockets/core/flood-rate.ts'
import { START } from '../sockets/core/sign-in.ts'
import type { UnauthenticatedConnection } from '../sockets/core/unauthenticated.ts'
import type { OpenedSocket } from '../sockets/upgrades.ts'
import type { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { fencingTokenField } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { type HeartbeatMessage, serverPackets } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { type ConnectorCloseReason, connectorCloseOf } from './core/connector-close-reasons.ts'
import type { ConnectorState } from './core/connector-handshake.ts'

/** Heartbeats a socket may send: explorers send one to ten a second. */
const HEARTBEAT_RATE: Rate = { perSecond: 20, burst: 20 }

const FLOOD_RATE = floodRate(HEARTBEAT_RATE)

/** Bytes that may wait for a client that does not read; the largest island change is 7 KiB. */
const MAX_BUFFERED_BYTES = 256 * 1024

const MESSAGE_TOO_BIG = 1009

/** A WebSocket that drops the connection at an oversized message instead of sending a close frame (comms.md §4.2). */
export class ConnectorSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    if (code === MESSAGE_TOO_BIG) this.terminate()
    else super.close(code, reason)
  }
}

/** A session as the bus knows it: its wallet, and what the client last sent and received. */
export interface PlayerSession {
  /** Sorts by age; distinguishes two sessions of one wallet, also across connectors. */
  readonly id: FencingToken
  readonly peer: PeerId
  /** When it began, and when the client last sent a position itself, by the monotonic clock. */
  readonly startedAt: number
  heartbeatAt: number | undefined
  /** Heartbeats that may be published now. */
  readonly heartbeats: TokenBucket
  /** Where its heartbeats are published, and what is appended to each of them: made once, for many of them. */
  readonly heartbeatSubject: string
  readonly fencingField: Uint8Array
  /** The last position of the player, from the client or, in its place, from the movement relay. */
  lastHeartbeat: HeartbeatMessage | undefined
  /** That of its handshake, which has ended. */
  readonly span: Span
  /** The room the player was last sent to, and the term of the archipelago that did. */
  announced: { room: string; term: FencingToken | undefined } | undefined
}

interface ConnectionParts {
  writes: WriteCoalescer
  nowMs: number
  displace: (connection: ClientConnection) => void
  span: Span
}

/** One socket from the upgrade to its end. */
export class ClientConnection implements UnauthenticatedConnection {
  state: ConnectorState = START
  session: PlayerSession | undefined
  /** When the client last sent a frame; a ping counts, a TCP acknowledgement does not. */
  lastReceivedAt: number
  readonly openedAt: number
  /** Its client, as limits count it. */
  readonly client: ClientAddress
  readonly displace: () => void
  /** Of its handshake: from the upgrade to the welcome, or to the end of the socket. */
  readonly span: Span
  readonly #socket: ConnectorSocket
  readonly #stream: Duplex
  readonly #writes: WriteCoalescer
  readonly #frames: TokenBucket

  constructor({ socket, stream, client }: OpenedSocket<ConnectorSocket>, { writes, nowMs, displace, span }: ConnectionParts) {
    this.#socket = socket
    this.#stream = stream
    this.#writes = writes
    this.span = span
    this.client = client
    this.displace = () => displace(this)
    this.openedAt = this.lastReceivedAt = nowMs
    this.#frames = new TokenBucket(FLOOD_RATE, nowMs)
  }

  get isSilent(): boolean {
    return this.state === START
  }

  /** Counts a frame that the client sent; returns false when it floods the connector. */
  received(nowMs: number): boolean {
    this.lastReceivedAt = nowMs
    return this.#frames.take(nowMs)
  }

  /** From now on this socket represents the player of a session. */
  startSession(named: Pick<PlayerSession, 'id' | 'peer' | 'heartbeatSubject'>, nowMs: number): PlayerSession {
    const heartbeats = new TokenBucket(HEARTBEAT_RATE, nowMs)
    this.session = {
      ...named,
      startedAt: nowMs,
      heartbeatAt: undefined,
      heartbeats,
      fencingField: fencingTokenField(named.id),
      lastHeartbeat: undefined,
      span: this.span,
      announced: undefined,
    }
    return this.session
  }

  /** Sends a packet; returns false, and sends nothing, when the client has not read for too long. */
  send(packet: Uint8Array): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return true
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) return false
    this.#writes.coalesce(this.#stream)
    this.#socket.send(packet)
    return true
  }

  ping(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping()
  }

  /** Closes the socket as its reason prescribes. */
  close(reason: ConnectorCloseReason): void {
    const close = connectorCloseOf(reason)
    if (close.kicked) this.send(serverPackets.kicked())
    closeSocket(this.#socket, close)
  }

  /** Drops the connection of a client that does not answer the close frame. */
  terminate(): void {
    this.#socket.terminate()
  }
}
