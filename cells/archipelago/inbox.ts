import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { peerOf, type Subjects } from '../wire/subjects.ts'
import type { Census } from './core/census.ts'
import type { Islands } from './core/islands.ts'
import type { Ledger } from './core/ledger.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** What an inbox feeds. */
export interface InboxDeps {
  bus: Bus
  subjects: Subjects
  islands: Islands
  ledger: Ledger
  census: Census
  clock: Clock
  metrics: ArchipelagoMetrics
  /** Milliseconds of silence after which a peer counts as gone. */
  toleratedSilenceMs: number
  maxPeers: number
}

const MAX_DESIRED_ROOM_LENGTH = 128
const MAX_SESSION_ID_BYTES = 64

/** Turns what connectors say into what the engine and the ledger know; the returned function stops listening. */
export function openInbox(deps: InboxDeps): () => void {
  const { bus, subjects, islands, ledger, census, clock, metrics } = deps

  const listen = (pattern: string, hear: (peer: PeerId, payload: Uint8Array) => void) =>
    bus.subscribe(pattern, (payload, subject) => {
      const peer = peerOf(subject)
      if (peer) hear(peer, payload)
      else metrics.ignored.subject.inc()
    })

  const unsubscribe = [
    listen(subjects.every.heartbeat, (peer, payload) => {
      const heartbeat = busPayloads.decodeHeartbeat(payload)
      if (!heartbeat) return metrics.ignored.malformed.inc()
      const { position, desiredRoom } = heartbeat
      // §5.17: without a position it does not even say that somebody is there.
      if (!position) return metrics.ignored.nowhere.inc()
      if (islands.peerCount >= deps.maxPeers && !islands.has(peer)) return metrics.ignored.full.inc()
      census.hear(peer, clock.now())
      // §5.10: an empty wish is no wish, and keeps the one before.
      const isWish = desiredRoom && desiredRoom.length <= MAX_DESIRED_ROOM_LENGTH
      islands.upsert(peer, position, isWish ? desiredRoom : undefined)
    }),
    listen(subjects.every.connect, (peer, payload) => {
      if (payload.length > MAX_SESSION_ID_BYTES) return metrics.ignored.malformed.inc()
      census.hear(peer, clock.now())
      ledger.connected(peer, Buffer.from(payload).toString(), clock.now() - deps.toleratedSilenceMs)
    }),
    listen(subjects.every.disconnect, (peer) => {
      census.forget(peer)
      islands.remove(peer)
      ledger.forget(peer)
    }),
  ]
  return () => {
    for (const end of unsubscribe) end()
  }
}
