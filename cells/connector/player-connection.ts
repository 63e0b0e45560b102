import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'
import type { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { fencingTokenField } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { HeartbeatMessage } from '../wire/packets.ts'
import { serverPackets } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { type ConnectorCloseReason, connectorCloseOf } from './core/connector-close-reasons.ts'
import { type ConnectorState, START } from './core/connector-handshake.ts'

/** Heartbeats a socket may send: explorers send one to ten a second. */
const HEARTBEAT_RATE: Rate = { perSecond: 20, burst: 20 }

/** Bytes that may wait for a client that does not read; the largest island change is 7 KiB. */
export const MAX_BUFFERED_BYTES = 256 * 1024

const MESSAGE_TOO_BIG = 1009

/** A WebSocket that drops the line at an oversized message instead of answering it (comms.md §4.2). */
export class ConnectorSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    if (code === MESSAGE_TOO_BIG) this.terminate()
    else super.close(code, reason)
  }
}

/** A session as the bus knows it: who, since when on this socket, and what was last heard. */
export interface PlayerSession {
  /** Sorts by age; tells two sessions of one wallet apart, also across connectors. */
  readonly id: FencingToken
  readonly peer: PeerId
  /** One token a heartbeat. */
  readonly heartbeats: TokenBucket
  /** Behind each of its heartbeats. */
  readonly fencingField: Uint8Array
  /** The last heartbeat that had a position. */
  lastHeartbeat: HeartbeatMessage | undefined
  /** The room it was last told, and in which term. */
  announced: { room: string; term: FencingToken | undefined } | undefined
}

/** One socket from upgrade to end. */
export class PlayerConnection {
  state: ConnectorState = START
  session: PlayerSession | undefined
  /** When the client was last heard; a ping counts, a TCP acknowledgement does not. */
  lastReceivedAt: number
  readonly openedAt: number
  readonly address: string
  readonly #line: ConnectorSocket
  readonly #stream: Duplex
  readonly #writes: WriteCoalescer

  constructor(line: ConnectorSocket, stream: Duplex, writes: WriteCoalescer, address: string, nowMs: number) {
    this.#line = line
    this.#stream = stream
    this.#writes = writes
    this.address = address
    this.openedAt = this.lastReceivedAt = nowMs
  }

  /** From now on this socket speaks for `peer`. */
  startSession(id: FencingToken, peer: PeerId, nowMs: number): void {
    const heartbeats = new TokenBucket(HEARTBEAT_RATE, nowMs)
    this.session = { id, peer, heartbeats, fencingField: fencingTokenField(id), lastHeartbeat: undefined, announced: undefined }
  }

  /** Sends a packet; answers false, and sends nothing, when the client has not read for too long. */
  send(packet: Uint8Array): boolean {
    if (this.#line.readyState !== WebSocket.OPEN) return true
    if (this.#line.bufferedAmount > MAX_BUFFERED_BYTES) return false
    this.#writes.coalesce(this.#stream)
    this.#line.send(packet)
    return true
  }

  ping(): void {
    if (this.#line.readyState === WebSocket.OPEN) this.#line.ping()
  }

  /** Says goodbye as the ending demands. */
  end(ending: ConnectorCloseReason): void {
    const { kicked, by, code, reason } = connectorCloseOf(ending)
    if (kicked) this.send(serverPackets.kicked())
    if (by === 'drop') this.#line.terminate()
    else if (by === 'close') this.#line.close(code, reason)
  }

  /** Cuts the line of a client that does not answer our goodbye. */
  terminate(): void {
    this.#line.terminate()
  }
}
