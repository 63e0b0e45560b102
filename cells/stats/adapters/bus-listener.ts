import type { Bus } from '../../bus/bus.ts'
import { type Clock, momentOf } from '../../chassis/clock.ts'
import { fencingTokenOf, partOf } from '../../wire/extension-fields.ts'
import { busPayloads, type IslandStatusMessage } from '../../wire/packets.ts'
import { isFinitePosition, parsePeerId } from '../../wire/peer.ts'
import { decodeDisconnect } from '../../wire/session-messages.ts'
import { peerOf, scopeOf, subjects } from '../../wire/subjects.ts'
import { MessageAssembler } from '../core/message-assembly.ts'
import type { ReportedIsland, Snapshot } from '../core/snapshot.ts'
import type { MessageKind, StatsMetrics } from '../metrics.ts'

type IslandMessage = IslandStatusMessage['data'][number]

/** Tokens of a subject after the scope, for messages of one peer and for those of an archipelago. */
const PEER_SUBJECT_TOKENS = 3
const REPORT_SUBJECT_TOKENS = 2

/** What was done with a message; all but `taken` are counted by a metric of that name. */
type MessageResult = 'taken' | 'malformed' | 'refused' | 'stale'

/**
 * Writes the messages of one scope, or of a pattern of scopes, into the snapshot. Any client that may publish on the bus can send
 * anything, so malformed messages are counted and skipped. The returned function stops listening.
 */
export function listenToBus(bus: Bus, scope: string, snapshot: Snapshot, clock: Clock, metrics: StatsMetrics): () => void {
  const { every, islands, discovery } = subjects(scope)
  const subscribe = (kind: MessageKind, pattern: string, take: (payload: Uint8Array, subject: string) => MessageResult) =>
    bus.subscribe(pattern, (payload, subject) => {
      metrics.messages.inc({ kind })
      const result = take(payload, subject)
      if (result !== 'taken') metrics[result].inc({ kind })
    })
  const partialReports = new MessageAssembler<IslandMessage>()
  const takenIf = (hasRoom: boolean): MessageResult => (hasRoom ? 'taken' : 'refused')

  const subscriptions = [
    subscribe('heartbeat', every.heartbeat, (payload, subject) => {
      const peer = peerOf(subject)
      const heartbeat = busPayloads.decodeHeartbeat(payload)
      if (!peer || !heartbeat) return 'malformed'
      const { position } = heartbeat
      if (!position) return 'taken' // the peer is alive, but there is no position to show
      if (!isFinitePosition(position)) return 'malformed'
      const cell = scopeOf(subject, PEER_SUBJECT_TOKENS)
      return takenIf(snapshot.recordHeartbeat(cell, peer, position, momentOf(clock), fencingTokenOf(payload)))
    }),
    subscribe('disconnect', every.disconnect, (payload, subject) => {
      const [peer, disconnect] = [peerOf(subject), decodeDisconnect(payload)]
      if (!peer || !disconnect) return 'malformed'
      snapshot.recordDisconnect(scopeOf(subject, PEER_SUBJECT_TOKENS), peer, momentOf(clock), disconnect.session)
      return 'taken'
    }),
    subscribe('islands', islands, (payload, subject) => {
      const report = busPayloads.decodeIslands(payload)
      if (!report) return 'malformed'
      const cell = scopeOf(subject, REPORT_SUBJECT_TOKENS)
      if (!snapshot.isCurrentTerm(cell, fencingTokenOf(payload), momentOf(clock))) return 'stale'
      const part = partOf(payload)
      const complete = part ? partialReports.add(cell, part, report.data) : report.data
      if (!complete) return 'taken' // shown once the other parts have arrived
      return takenIf(snapshot.recordIslands(cell, complete.flatMap(islandOf), momentOf(clock)))
    }),
    subscribe('discovery', discovery, (payload, subject) => {
      const status = busPayloads.decodeDiscovery(payload)?.status
      if (!status) return 'malformed'
      const cell = scopeOf(subject, REPORT_SUBJECT_TOKENS)
      if (!snapshot.isCurrentTerm(cell, fencingTokenOf(payload), momentOf(clock))) return 'stale'
      return takenIf(snapshot.recordDiscovery(cell, status.userCount, momentOf(clock)))
    }),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}

/**
 * Islands without a centre are dropped (comms.md §8.1), and so are those whose centre or radius is not finite: JSON cannot
 * express it.
 */
function islandOf({ id, maxPeers, center, radius, peers }: IslandMessage): ReportedIsland[] {
  if (!center || !isFinitePosition(center) || !Number.isFinite(radius)) return []
  return [{ id, maxPeers, center, radius, peers: peers.flatMap((peer) => parsePeerId(peer) ?? []) }]
}
