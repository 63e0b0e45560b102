import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock } from '../chassis/clock.ts'
import type { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { Backlog } from './core/backlog.ts'
import type { RoomLimits } from './limits.ts'
import type { RoomMetrics } from './metrics.ts'

export interface RoomOutboxDeps {
  socket: WebSocket
  stream: Duplex
  writes: WriteCoalescer
  clock: Clock
  limits: RoomLimits
  metrics: RoomMetrics
  /** The client reads too little. Called later, never within a send: the hub may be in the middle of sending to all members. */
  onTooSlow(): void
  /** A send threw. Called later as well; the sender of the packet is not to blame. */
  onFailed(error: unknown): void
}

/** Sends packets to one client; of a client that does not read, it drops what may be dropped, and asks for its end at last. */
export class RoomOutbox {
  readonly #deps: RoomOutboxDeps
  readonly #backlog: Backlog

  constructor(deps: RoomOutboxDeps) {
    this.#deps = deps
    this.#backlog = new Backlog(deps.limits.backlog)
  }

  /** Sends a packet of the room itself, which is never dropped. */
  send(packet: Uint8Array): void {
    const { socket, limits } = this.#deps
    if (socket.readyState !== WebSocket.OPEN) return
    if (socket.bufferedAmount > limits.reliableBufferBytes) this.#tooSlow()
    else this.#write(packet)
  }

  /** Sends an update of another member, the one with the alias `from`, or drops it. */
  relay(packet: Uint8Array, unreliable: boolean, from: number): void {
    const { socket, clock, limits, metrics } = this.#deps
    if (socket.readyState !== WebSocket.OPEN) return
    const unsentBytes = socket.bufferedAmount
    if (unreliable && unsentBytes > limits.unreliableBufferBytes) {
      metrics.dropped.buffer.inc()
      return
    }
    const verdict = this.#backlog.admit(from, packet.length, unsentBytes, clock.monotonic())
    if (verdict === 'drop') metrics.dropped.share.inc()
    else if (verdict === 'too_slow') this.#tooSlow()
    else this.#write(packet)
  }

  #write(packet: Uint8Array): void {
    try {
      this.#deps.writes.coalesce(this.#deps.stream)
      this.#deps.socket.send(packet)
    } catch (error) {
      queueMicrotask(() => this.#deps.onFailed(error))
    }
  }

  #tooSlow(): void {
    queueMicrotask(() => this.#deps.onTooSlow())
  }
}
