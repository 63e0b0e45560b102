import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { fencingTokenOf, textFieldOf } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { busPayloads, ISLAND_ID_FIELD } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { decodeConnect, decodeDisconnect, MAX_ROOM_LENGTH } from '../wire/session-messages.ts'
import { peerOf, type Subjects } from '../wire/subjects.ts'
import type { Announcements } from './core/announcements.ts'
import type { PresenceTable } from './core/presence.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** What an inbox feeds, and whom it tells. */
export interface InboxDeps {
  bus: Bus
  subjects: Subjects
  register: PresenceTable
  ledger: Announcements
  clock: Clock
  metrics: ArchipelagoMetrics
  /** Whether what was said in a term counts. */
  counts(term: FencingToken | undefined): boolean
  /** A peer said where it is. */
  onPlaced(peer: PeerId): void
  /** A connector says which room a session was last told. */
  onKnown(peer: PeerId, room: string | undefined): void
  onGone(peer: PeerId): void
  /** A player has a new session and knows of no room. */
  onBack(peer: PeerId): void
}

const MAX_DESIRED_ROOM_LENGTH = 128

/** Turns what connectors say into what register and ledger know; the returned function stops listening. */
export function openInbox(deps: InboxDeps): () => void {
  const { subjects, register, ledger, clock, metrics } = deps
  const back = (peer: PeerId) => {
    ledger.announceAgain(peer)
    deps.onBack(peer)
  }

  const unsubscribe = [
    listen(deps, subjects.every.heartbeat, (peer, payload) => {
      const heartbeat = busPayloads.decodeHeartbeat(payload)
      if (!heartbeat) return metrics.ignored.malformed.inc()
      const { position, desiredRoom } = heartbeat
      // §5.17: without a position it does not even say that somebody is there.
      if (!position) return metrics.ignored.nowhere.inc()
      // §5.10: an empty wish is no wish, and keeps the one before.
      const isWish = desiredRoom && desiredRoom.length <= MAX_DESIRED_ROOM_LENGTH
      const word = { session: fencingTokenOf(payload), position, ...(isWish && { desiredRoom }) }
      const heard = register.update(peer, word, clock.now())
      if (heard === 'stale' || heard === 'full') return metrics.ignored[heard].inc()
      deps.onPlaced(peer)
      // Its greeting was lost.
      if (heard === 'new' && ledger.lastRoomOf(peer) !== undefined) back(peer)
    }),
    listen(deps, subjects.every.connect, (peer, payload) => {
      const greeting = decodeConnect(payload)
      if (!greeting) return metrics.ignored.malformed.inc()
      const { session, announcedRoom } = greeting
      const heard = register.update(peer, { session }, clock.now())
      if (heard === 'stale' || heard === 'full') return metrics.ignored[heard].inc()
      if (announcedRoom !== undefined)
        deps.onKnown(peer, announcedRoom === '' || announcedRoom.length > MAX_ROOM_LENGTH ? undefined : announcedRoom)
      // §5.15: a new session knows nothing, and one of a service that knows no sessions may always be new.
      else if (heard === 'new' || session === undefined) back(peer)
    }),
    listen(deps, subjects.every.disconnect, (peer, payload) => {
      const leaving = decodeDisconnect(payload)
      if (!leaving) return metrics.ignored.malformed.inc()
      const outcome = register.endSession(peer, leaving.session, leaving.reason, clock.now())
      if (outcome === 'gone') deps.onGone(peer)
      else if (outcome === 'stale') metrics.ignored.stale.inc()
      else ledger.announceAgain(peer)
    }),
  ]
  return () => {
    for (const end of unsubscribe) end()
  }
}

/** Follows what the active archipelago tells peers, so as to be able to stand in for it; the returned function stops listening. */
export const eavesdrop = (deps: InboxDeps): (() => void) =>
  listen(deps, deps.subjects.every.islandChanged, (peer, payload) => {
    if (!deps.counts(fencingTokenOf(payload))) return
    const room = textFieldOf(payload, ISLAND_ID_FIELD)
    if (room && room.length <= MAX_ROOM_LENGTH && deps.register.get(peer)) deps.ledger.told(peer, room)
  })

const listen = ({ bus, metrics }: InboxDeps, pattern: string, hear: (peer: PeerId, payload: Uint8Array) => void) =>
  bus.subscribe(pattern, (payload, subject) => {
    const peer = peerOf(subject)
    if (peer) hear(peer, payload)
    else metrics.ignored.subject.inc()
  })
