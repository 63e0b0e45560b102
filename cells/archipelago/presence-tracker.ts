import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { fencingTokenOf } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { decodeConnect, decodeDisconnect, MAX_ROOM_LENGTH } from '../wire/session-messages.ts'
import { requesterOf, type SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Announcements } from './core/announcements.ts'
import type { PresenceTable } from './core/presence.ts'
import { followAnnouncements } from './followed-announcements.ts'
import type { LeadershipTerm } from './leadership-term.ts'
import type { ArchipelagoMetrics } from './metrics.ts'
import { type Ignored, subscribeToPeers } from './peer-messages.ts'
import { requestSync } from './sync-request.ts'

/** The state of the cell that a tracker keeps up to date, and its surroundings. */
export interface PresenceParts {
  bus: Bus
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  presence: PresenceTable
  announcements: Announcements
  /** Unique to this start of an archipelago. */
  bootId: string
  /** Milliseconds without a message after which a peer is removed. */
  toleratedSilenceMs: number
}

/** The same, with the parts of the archipelago that depend on presence. */
export interface PresenceTrackerDeps extends PresenceParts {
  /** Whether a message of a term is to be processed. */
  acceptsTerm(term: FencingToken | undefined): boolean
  /** The leadership term, while this archipelago is active: it follows each peer that moves or leaves. */
  leadershipTerm(): LeadershipTerm | undefined
  /** A peer has a new session, which knows no room yet. */
  onNewSession(peer: PeerId): void
  /** Whether the sessions of all connectors are known has changed. */
  onSynced(isSynced: boolean): void
}

/** Milliseconds other services have to reconnect to the bus too, before anything is published that they need to receive. */
export const SETTLE_MS = 1_000
const MAX_DESIRED_ROOM_LENGTH = 128

/**
 * Keeps presence and announcements up to date from the bus: the messages of peers and connectors, the connectors' replies to sync
 * requests, and, while another archipelago is active, what that one announces. Synced once the connectors have replied: only then
 * an archipelago knows enough to become the active one.
 */
export class PresenceTracker {
  readonly #deps: PresenceTrackerDeps
  readonly #unsubscribe: readonly (() => void)[]
  #stopFollowing = () => {}
  #cancelSync = () => {}
  #cancelSettling = () => {}
  #syncRequests = 0
  #isSynced = false
  #wasSynced = false
  /** Since when messages arrive without interruption; while the bus is disconnected no peer counts as silent. */
  #receivingSince: number

  constructor(deps: PresenceTrackerDeps) {
    const { bus, clock, subjects } = deps
    this.#deps = deps
    this.#receivingSince = clock.monotonic()
    this.#unsubscribe = [
      subscribeToPeers(deps, subjects.every.heartbeat, (peer, payload) => this.#onHeartbeat(peer, payload)),
      subscribeToPeers(deps, subjects.every.connect, (peer, payload) => this.#onConnect(peer, payload)),
      subscribeToPeers(deps, subjects.every.disconnect, (peer, payload) => this.#onDisconnect(peer, payload)),
      bus.onState((state) => {
        this.#cancelSettling()
        this.#cancelSync()
        this.setSynced(false)
        if (state === 'disconnected') return
        this.restartSilence()
        this.#cancelSettling = clock.after(SETTLE_MS, () => this.requestSync())
      }),
    ]
    this.followLeader(true)
  }

  /** Whether the sessions of all connectors are known, so that this archipelago could take over. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** Whether they ever were. */
  get wasSynced(): boolean {
    return this.#wasSynced
  }

  setSynced(isSynced: boolean): void {
    this.#isSynced = isSynced
    this.#wasSynced ||= isSynced
    this.#deps.onSynced(isSynced)
  }

  /** Turned off while this archipelago is active: it would only receive its own announcements. */
  followLeader(isOn: boolean): void {
    this.#stopFollowing()
    this.#stopFollowing = isOn ? followAnnouncements(this.#deps) : () => {}
  }

  /** Counts silence from now on: messages may have been missed until now. */
  restartSilence(): void {
    this.#receivingSince = this.#deps.clock.monotonic()
  }

  stop(): void {
    this.#cancelSync()
    this.#cancelSettling()
    this.#stopFollowing()
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  /** §5.17: removes the peers that were silent for too long, and those that did not reconnect within their grace period. */
  expire(): void {
    const { presence, clock, bus, metrics, toleratedSilenceMs } = this.#deps
    const now = clock.monotonic()
    const silentSince = now - toleratedSilenceMs
    const mayHaveMissed = bus.state !== 'connected' || this.#receivingSince > silentSince
    for (const peer of [...presence.graceExpired(now), ...(mayHaveMissed ? [] : presence.silentSince(silentSince))]) {
      if (!presence.get(peer)) continue
      this.#forget(peer)
      metrics.expired.inc()
    }
  }

  /** Requests the sessions of all connectors; synced once they have replied. */
  requestSync(): void {
    const { bus, subjects, clock, log, metrics, announcements, presence, bootId } = this.#deps
    this.#cancelSync()
    metrics.rollCalls.inc()
    // The replies may not yet reflect what is announced from now on.
    const sequence = announcements.lastSequence
    const requester = requesterOf(bootId, ++this.#syncRequests)
    const onSession = (session: SessionState) => this.#onSession(session, sequence)
    this.#cancelSync = requestSync({ bus, subjects, clock, requester, onSession }, (connectors) => {
      log.info({ connectors, players: presence.size }, 'received the sessions of the connectors')
      this.setSynced(true)
    })
  }

  #onHeartbeat(peer: PeerId, payload: Uint8Array): Ignored | undefined {
    const { presence, announcements, clock } = this.#deps
    const heartbeat = busPayloads.decodeHeartbeat(payload)
    if (!heartbeat) return 'malformed'
    const { position, desiredRoom } = heartbeat
    // §5.17: a heartbeat without a position does not keep its peer alive.
    if (!position) return 'nowhere'
    // §5.10: an empty preference keeps the previous one.
    const hasPreference = desiredRoom && desiredRoom.length <= MAX_DESIRED_ROOM_LENGTH
    const update = { session: fencingTokenOf(payload), position, ...(hasPreference && { desiredRoom }) }
    const outcome = presence.update(peer, update, clock.monotonic())
    if (outcome === 'stale' || outcome === 'full') return outcome
    this.#deps.leadershipTerm()?.updatePeer(peer)
    // The connect message of this session was lost.
    if (outcome === 'new' && announcements.lastRoomOf(peer) !== undefined) this.#announceToNewSession(peer)
    return undefined
  }

  #onConnect(peer: PeerId, payload: Uint8Array): Ignored | undefined {
    const { presence, clock, metrics } = this.#deps
    const message = decodeConnect(payload)
    if (!message) return 'malformed'
    const { session, announcedRoom } = message
    const awaySince = presence.awaySince(peer)
    const outcome = presence.update(peer, { session }, clock.monotonic())
    if (outcome === 'stale' || outcome === 'full') return outcome
    if (outcome === 'new' && awaySince !== undefined) metrics.reconnectSeconds.observe((clock.monotonic() - awaySince) / 1_000)
    if (announcedRoom !== undefined)
      this.#reconcile(peer, announcedRoom === '' || announcedRoom.length > MAX_ROOM_LENGTH ? undefined : announcedRoom)
    // §5.15: a new session knows no room, and a session of a connector without sessions may always be new.
    else if (outcome === 'new' || session === undefined) this.#announceToNewSession(peer)
    return undefined
  }

  #onDisconnect(peer: PeerId, payload: Uint8Array): Ignored | undefined {
    const { presence, announcements, clock } = this.#deps
    const message = decodeDisconnect(payload)
    if (!message) return 'malformed'
    const outcome = presence.endSession(peer, message.session, message.reason, clock.monotonic())
    if (outcome === 'stale') return outcome
    if (outcome === 'gone') this.#forget(peer)
    else announcements.announceAgain(peer)
    return undefined
  }

  /** A session in a reply to a sync request that was sent after announcement `sequence`. */
  #onSession({ peer, session, position, room, term }: SessionState, sequence: number): void {
    const { acceptsTerm, presence, clock, leadershipTerm } = this.#deps
    acceptsTerm(term)
    // A position from a heartbeat is newer than the one in the reply.
    const update = { session, position: presence.get(peer)?.position ?? position }
    const outcome = presence.update(peer, update, clock.monotonic())
    if (outcome === 'stale' || outcome === 'full') return
    leadershipTerm()?.updatePeer(peer)
    this.#reconcile(peer, room, sequence)
  }

  #announceToNewSession(peer: PeerId): void {
    this.#deps.announcements.announceAgain(peer)
    this.#deps.onNewSession(peer)
  }

  /** A connector reports the room that a session knows: a missed announcement is repeated, and an unknown room is restored. */
  #reconcile(peer: PeerId, room: string | undefined, sequence?: number): void {
    const { announcements, metrics } = this.#deps
    const outcome = announcements.reconcile(peer, room, sequence)
    if (outcome === 'missed') metrics.missed.inc()
    const term = this.#deps.leadershipTerm()
    if (term) {
      if (outcome === 'learned') term.restore(peer)
    } else if (outcome === 'missed' && room !== undefined) announcements.recordAnnounced(peer, room)
  }

  #forget(peer: PeerId): void {
    this.#deps.announcements.forget(peer)
    this.#deps.presence.forget(peer)
    this.#deps.leadershipTerm()?.remove(peer)
  }
}
