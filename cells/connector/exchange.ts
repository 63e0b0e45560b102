import { randomBytes } from 'node:crypto'
import { type Bus, NO_PAYLOAD } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { busPayloads, type HeartbeatMessage, wrapIslandChanged } from '../wire/packets.ts'
import { isFinitePosition, type PeerId } from '../wire/peer.ts'
import { peerOf, type Subjects } from '../wire/subjects.ts'
import { type Connection, HEARTBEAT_RATE, type Session } from './connection.ts'
import { take } from './core/allowance.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { Sessions } from './sessions.ts'

/** What the exchange works with, and whom it tells. */
export interface ExchangeDeps {
  bus: Bus
  subjects: Subjects
  clock: Clock
  metrics: ConnectorMetrics
  sessions: Sessions<Connection>
  /** An island change arrived for this connection, ready to be sent. */
  onIsland(connection: Connection, packet: Uint8Array): void
  /** The same wallet got a newer session on another connector. */
  onSuperseded(connection: Connection): void
}

/** How long a burst waits for its last position to go on, in ms. */
const HELD_MS = 50
const MAX_DESIRED_ROOM_LENGTH = 128
const MAX_SESSION_ID_BYTES = 64
const ANNOUNCED_AT_ONCE = 500
/** How long those who should hear an announcement have to come back to the bus themselves, in ms. */
const SETTLE_MS = 1_000

/** Between the sockets and the bus: positions out, island changes in, and who is here (comms.md §5). */
export class Exchange {
  readonly #deps: ExchangeDeps
  readonly #held = new Set<Session>()
  readonly #unsubscribe: readonly (() => void)[]
  #cancelHeld: (() => void) | undefined
  #cancelAnnouncing = () => {}
  #lastIdAt = 0

  constructor(deps: ExchangeDeps) {
    this.#deps = deps
    const { bus, subjects } = deps
    this.#unsubscribe = [
      // Plain subscriptions: every connector hears of every player, only the one that has it acts (comms.md §11, 8).
      bus.subscribe(subjects.every.islandChanged, (payload, subject) => this.#islandChanged(payload, subject)),
      bus.subscribe(subjects.every.connect, (payload, subject) => this.#connected(payload, subject)),
      bus.onState((state) => {
        this.#cancelAnnouncing()
        if (state === 'connected') this.#cancelAnnouncing = deps.clock.after(SETTLE_MS, () => this.#announce([...deps.sessions]))
      }),
    ]
  }

  /** A session id: the older of two sorts first, also of two within a millisecond. */
  newSessionId(): string {
    this.#lastIdAt = Math.max(this.#deps.clock.now(), this.#lastIdAt + 1)
    return `${this.#lastIdAt.toString(36).padStart(9, '0')}-${randomBytes(6).toString('hex')}`
  }

  /** A player was welcomed: the archipelago places it anew, other connectors let go of it. */
  joined({ id, peer }: Session): void {
    this.#deps.bus.publish(this.#deps.subjects.connect(peer), Buffer.from(id))
  }

  /** A player is gone for good. */
  left(peer: PeerId): void {
    this.#deps.bus.publish(this.#deps.subjects.disconnect(peer), NO_PAYLOAD)
  }

  /** A session ended: what it still wanted to say does not matter any more. */
  forget(session: Session): void {
    this.#held.delete(session)
  }

  /** Passes a heartbeat on; of those above the rate only the last position, a moment later. */
  heartbeat(session: Session, heard: HeartbeatMessage, payload: Uint8Array): void {
    const { clock } = this.#deps
    const counted = this.#deps.metrics.heartbeat
    const { position, desiredRoom } = heard
    if (position && !isFinitePosition(position)) {
      counted.nonsense.inc()
      return
    }
    const wordy = desiredRoom !== undefined && desiredRoom.length > MAX_DESIRED_ROOM_LENGTH
    const heartbeat = wordy ? { position } : heard
    if (position) session.last = heartbeat
    if (!take(session.allowance, HEARTBEAT_RATE, clock.now())) {
      counted.coalesced.inc()
      if (position) this.#hold(session)
      return
    }
    this.#held.delete(session)
    this.#publish(session.peer, wordy ? busPayloads.encodeHeartbeat(heartbeat) : payload)
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#cancelHeld?.()
    this.#cancelAnnouncing()
  }

  #publish(peer: PeerId, payload: Uint8Array): void {
    const { bus, subjects } = this.#deps
    const counted = this.#deps.metrics.heartbeat
    bus.publish(subjects.heartbeat(peer), payload)
    if (bus.state === 'connected') counted.published.inc()
    else counted.dropped.inc()
  }

  #hold(session: Session): void {
    this.#held.add(session)
    this.#cancelHeld ??= this.#deps.clock.after(HELD_MS, () => this.#releaseHeld())
  }

  #releaseHeld(): void {
    this.#cancelHeld = undefined
    const now = this.#deps.clock.now()
    for (const session of this.#held) {
      if (!session.last || !take(session.allowance, HEARTBEAT_RATE, now)) continue
      this.#held.delete(session)
      this.#publish(session.peer, busPayloads.encodeHeartbeat(session.last))
    }
    if (this.#held.size > 0) this.#cancelHeld = this.#deps.clock.after(HELD_MS, () => this.#releaseHeld())
  }

  #islandChanged(payload: Uint8Array, subject: string): void {
    const peer = peerOf(subject)
    const connection = peer && this.#deps.sessions.get(peer)
    if (connection) this.#deps.onIsland(connection, wrapIslandChanged(payload))
  }

  /**
   * Two connectors hold sessions of one wallet: the older one ends, silently for the bus. Left alone it would end later,
   * and its disconnect would take a live player off its island (comms.md §11, 5).
   */
  #connected(payload: Uint8Array, subject: string): void {
    const peer = peerOf(subject)
    const connection = peer && this.#deps.sessions.get(peer)
    if (!connection?.session || payload.length > MAX_SESSION_ID_BYTES) return
    if (Buffer.from(payload).toString() > connection.session.id) this.#deps.onSuperseded(connection)
  }

  /** The bus is back and may have lost everything said meanwhile: say who is here and where, some at a time. */
  #announce(sessions: [PeerId, Connection][]): void {
    for (const [peer, { session }] of sessions.splice(0, ANNOUNCED_AT_ONCE)) {
      // It may have ended since it was listed.
      if (!session || this.#deps.sessions.get(peer)?.session !== session) continue
      this.joined(session)
      if (session.last) this.#publish(peer, busPayloads.encodeHeartbeat(session.last))
      this.#deps.metrics.announcements.inc()
    }
    if (sessions.length > 0) setImmediate(() => this.#announce(sessions))
  }
}
