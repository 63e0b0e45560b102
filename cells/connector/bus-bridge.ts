import type { Bus } from '../bus/bus.ts'
import { newConnectorId } from '../wire/connector-id.ts'
import { withField } from '../wire/extension-fields.ts'
import { type FencingToken, FencingTokens, isEarlier, TermFence } from '../wire/fencing-token.ts'
import { decodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import { busPayloads, type HeartbeatMessage } from '../wire/packets.ts'
import { isFinitePosition, type PeerId, type Position } from '../wire/peer.ts'
import { type DisconnectReason, decodeConnect, encodeConnect, encodeDisconnect } from '../wire/session-messages.ts'
import { peerOf, type Subjects } from '../wire/subjects.ts'
import type { ClientConnection, PlayerSession } from './client-connection.ts'
import { IslandChanges, type IslandChangesDeps } from './island-changes.ts'
import { answerSyncRequests } from './state-sync-reply.ts'

export interface BusBridgeDeps extends IslandChangesDeps {
  bus: Bus
  subjects: Subjects
  /** The same wallet got a newer session on another connector. */
  onSuperseded(connection: ClientConnection): void
}

/** Milliseconds after which the last position of a burst is published. */
const HELD_MS = 50
const MAX_DESIRED_ROOM_LENGTH = 128
/** Sessions announced in one turn of the event loop. */
const ANNOUNCEMENT_BATCH = 500
/** Milliseconds that the receivers of an announcement have to reconnect to the bus themselves. */
const SETTLE_MS = 1_000

/** Between the sockets and the bus: publishes positions and sessions, receives island changes (comms.md §5). */
export class BusBridge {
  readonly #deps: BusBridgeDeps
  readonly #held = new Set<PlayerSession>()
  readonly #unsubscribe: readonly (() => void)[]
  #cancelHeld: (() => void) | undefined
  #cancelAnnouncing = () => {}
  readonly #id = newConnectorId()
  readonly #sessionIds = new FencingTokens()
  readonly #fence = new TermFence()

  constructor(deps: BusBridgeDeps) {
    this.#deps = deps
    const { bus, subjects } = deps
    const islands = new IslandChanges({ ...deps, acceptsTerm: (term) => this.#acceptsTerm(term) })
    this.#unsubscribe = [
      // Plain subscriptions: every connector receives every message, the one that has the player acts (comms.md §11, 8).
      bus.subscribe(subjects.every.islandChanged, (payload, subject) => islands.received(payload, subject)),
      bus.subscribe(subjects.islandGroup(this.#id), (payload) => islands.receivedGroup(payload)),
      bus.subscribe(subjects.every.connect, (payload, subject) => this.#receivedConnect(payload, subject)),
      bus.subscribe(subjects.leaderHeartbeat, (payload) => this.#acceptsTerm(decodeLeaderHeartbeat(payload)?.term)),
      answerSyncRequests(deps),
      bus.onState((state) => {
        this.#cancelAnnouncing()
        if (state === 'connected') this.#cancelAnnouncing = deps.clock.after(SETTLE_MS, () => this.#announce([...deps.sessions]))
      }),
    ]
  }

  /**
   * Names a session, whose id is later than every one that this or another connector issued before, and tells archipelagos where its
   * player takes island groups.
   */
  newSession(peer: PeerId): Pick<PlayerSession, 'id' | 'peer' | 'heartbeatSubject'> {
    const id = this.#sessionIds.next(this.#deps.clock.now(), this.#id)
    return { id, peer, heartbeatSubject: this.#deps.subjects.heartbeat(peer) }
  }

  /** A player was welcomed: the archipelago announces their room again, other connectors end their session of the wallet. */
  connected({ id, peer }: PlayerSession): void {
    this.#deps.bus.publish(this.#deps.subjects.connect(peer), encodeConnect({ session: id, announcedRoom: undefined }))
  }

  /** A session ended. */
  disconnected({ id, peer }: PlayerSession, reason: DisconnectReason): void {
    this.#deps.bus.publish(this.#deps.subjects.disconnect(peer), encodeDisconnect({ session: id, reason }))
  }

  /** Drops what was still to be published for a session that ended. */
  forget(session: PlayerSession): void {
    this.#held.delete(session)
    this.#deps.joins.ended(session, this.#deps.clock.monotonic())
  }

  /** Publishes a heartbeat; of those above the rate only the last position, a moment later. */
  heartbeat(session: PlayerSession, received: HeartbeatMessage, payload: Uint8Array): void {
    const { clock } = this.#deps
    const counted = this.#deps.metrics.heartbeat
    const { position, desiredRoom } = received
    if (position && !isFinitePosition(position)) {
      counted.invalid.inc()
      return
    }
    const isRoomTooLong = desiredRoom !== undefined && desiredRoom.length > MAX_DESIRED_ROOM_LENGTH
    const heartbeat = isRoomTooLong ? { position } : received
    const now = clock.monotonic()
    if (position) {
      this.#isAt(session, heartbeat)
      session.heartbeatAt = now
    }
    if (!session.heartbeats.take(now)) {
      counted.coalesced.inc()
      if (position) this.#holdBack(session)
      return
    }
    this.#held.delete(session)
    this.#publish(session, isRoomTooLong ? busPayloads.encodeHeartbeat(heartbeat) : payload)
  }

  /** Publishes the position of a player whose client sends none. */
  place(session: PlayerSession, position: Position): void {
    const heartbeat = { position, desiredRoom: session.lastHeartbeat?.desiredRoom }
    this.#isAt(session, heartbeat)
    this.#held.delete(session)
    this.#deps.metrics.heartbeat.relayed.inc()
    this.#publish(session, busPayloads.encodeHeartbeat(heartbeat))
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#cancelHeld?.()
    this.#cancelAnnouncing()
  }

  #isAt(session: PlayerSession, heartbeat: HeartbeatMessage): void {
    if (!session.lastHeartbeat) this.#deps.joins.started(session, this.#deps.clock.monotonic())
    session.lastHeartbeat = heartbeat
  }

  #publish({ heartbeatSubject, fencingField }: PlayerSession, payload: Uint8Array): void {
    const { bus } = this.#deps
    const counted = this.#deps.metrics.heartbeat
    bus.publish(heartbeatSubject, withField(payload, fencingField))
    if (bus.state === 'connected') counted.published.inc()
    else counted.dropped.inc()
  }

  #holdBack(session: PlayerSession): void {
    this.#held.add(session)
    this.#cancelHeld ??= this.#deps.clock.after(HELD_MS, () => this.#releaseHeld())
  }

  #releaseHeld(): void {
    this.#cancelHeld = undefined
    const now = this.#deps.clock.monotonic()
    for (const session of this.#held) {
      if (!session.lastHeartbeat || !session.heartbeats.take(now)) continue
      this.#held.delete(session)
      try {
        this.#publish(session, busPayloads.encodeHeartbeat(session.lastHeartbeat))
      } catch (error) {
        this.#deps.onFailed(session, error)
      }
    }
    if (this.#held.size > 0) this.#cancelHeld = this.#deps.clock.after(HELD_MS, () => this.#releaseHeld())
  }

  #acceptsTerm(term: FencingToken | undefined): boolean {
    return this.#fence.accepts(term, this.#deps.clock.now())
  }

  /**
   * Two connectors hold sessions of one wallet: the older one ends without a disconnect message. Otherwise it would end later,
   * and its disconnect message would take a connected player off their island (comms.md §11, 5).
   */
  #receivedConnect(payload: Uint8Array, subject: string): void {
    const peer = peerOf(subject)
    const session = decodeConnect(payload)?.session
    if (!peer || !session) return
    const now = this.#deps.clock.now()
    this.#sessionIds.observe(session, now)
    const connection = this.#deps.sessions.get(peer)
    if (connection?.session && isEarlier(connection.session.id, session, now)) this.#deps.onSuperseded(connection)
  }

  /** Publishes every session anew with its position and its room, in batches: the bus may have lost messages while it was away. */
  #announce(sessions: [PeerId, ClientConnection][]): void {
    for (const [peer, { session }] of sessions.splice(0, ANNOUNCEMENT_BATCH)) {
      // The session may have ended since the list was made.
      if (!session || this.#deps.sessions.get(peer)?.session !== session) continue
      const { bus, subjects } = this.#deps
      bus.publish(subjects.connect(peer), encodeConnect({ session: session.id, announcedRoom: session.announced?.room ?? '' }))
      if (session.lastHeartbeat) this.#publish(session, busPayloads.encodeHeartbeat(session.lastHeartbeat))
      this.#deps.metrics.announcements.inc()
    }
    if (sessions.length > 0) setImmediate(() => this.#announce(sessions))
  }
}
