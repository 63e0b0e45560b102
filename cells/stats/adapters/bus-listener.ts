import type { Bus } from '../../bus/bus.ts'
import type { Clock } from '../../chassis/clock.ts'
import { fencingTokenOf, partOf } from '../../wire/extension-fields.ts'
import { busPayloads, type IslandStatusMessage } from '../../wire/packets.ts'
import { isFinitePosition, parsePeerId } from '../../wire/peer.ts'
import { decodeDisconnect } from '../../wire/session-messages.ts'
import { peerOf, scopeOf, subjects } from '../../wire/subjects.ts'
import { MessageAssembler } from '../core/message-assembly.ts'
import type { ReportedIsland, Snapshot } from '../core/snapshot.ts'
import type { MessageKind, StatsMetrics } from '../metrics.ts'

const TOKENS_OF_A_PEER = 3
const TOKENS_OF_A_REPORT = 2

/** What a message turned out to be worth. */
type MessageResult = 'taken' | 'malformed' | 'refused' | 'stale'

/**
 * Writes what the bus says of one scope, or of a pattern of scopes, into the snapshot. Whoever can publish there may send anything:
 * what makes no sense is counted and skipped. The returned function stops listening.
 */
export function listenToBus(bus: Bus, scope: string, snapshot: Snapshot, clock: Clock, metrics: StatsMetrics): () => void {
  const { every, islands, discovery } = subjects(scope)
  const subscribe = (kind: MessageKind, pattern: string, take: (payload: Uint8Array, subject: string) => MessageResult) =>
    bus.subscribe(pattern, (payload, subject) => {
      metrics.messages.inc({ kind })
      const verdict = take(payload, subject)
      if (verdict !== 'taken') metrics[verdict].inc({ kind })
    })
  const partialReports = new MessageAssembler<IslandStatusMessage['data'][number]>()
  const kept = (hasRoom: boolean): MessageResult => (hasRoom ? 'taken' : 'refused')

  const subscriptions = [
    subscribe('heartbeat', every.heartbeat, (payload, subject) => {
      const peer = peerOf(subject)
      const heartbeat = busPayloads.decodeHeartbeat(payload)
      if (!peer || !heartbeat) return 'malformed'
      const { position } = heartbeat
      if (!position) return 'taken' // a sign of life without a place: nothing to show
      if (!isFinitePosition(position)) return 'malformed'
      return kept(
        snapshot.recordHeartbeat(scopeOf(subject, TOKENS_OF_A_PEER), peer, position, clock.now(), fencingTokenOf(payload)),
      )
    }),
    subscribe('disconnect', every.disconnect, (payload, subject) => {
      const [peer, leaving] = [peerOf(subject), decodeDisconnect(payload)]
      if (!peer || !leaving) return 'malformed'
      snapshot.recordDisconnect(scopeOf(subject, TOKENS_OF_A_PEER), peer, leaving.session)
      return 'taken'
    }),
    subscribe('islands', islands, (payload, subject) => {
      const report = busPayloads.decodeIslands(payload)
      if (!report) return 'malformed'
      const cell = scopeOf(subject, TOKENS_OF_A_REPORT)
      if (!snapshot.isCurrentTerm(cell, fencingTokenOf(payload))) return 'stale'
      const part = partOf(payload)
      const islands = part ? partialReports.add(cell, part, report.data) : report.data
      // What is not whole yet is not shown.
      if (!islands) return 'taken'
      return kept(snapshot.recordIslands(cell, islands.flatMap(islandOf), clock.now()))
    }),
    subscribe('discovery', discovery, (payload, subject) => {
      const status = busPayloads.decodeDiscovery(payload)?.status
      if (!status) return 'malformed'
      const cell = scopeOf(subject, TOKENS_OF_A_REPORT)
      if (!snapshot.isCurrentTerm(cell, fencingTokenOf(payload))) return 'stale'
      return kept(snapshot.recordDiscovery(cell, status.currentTime, status.userCount, clock.now()))
    }),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}

/** Islands without a centre are dropped (comms.md §8.1), and so are those whose centre is nowhere: JSON has no word for it. */
function islandOf({ id, maxPeers, center, radius, peers }: IslandStatusMessage['data'][number]): ReportedIsland[] {
  if (!center || !isFinitePosition(center) || !Number.isFinite(radius)) return []
  return [{ id, maxPeers, center, radius, peers: peers.flatMap((peer) => parsePeerId(peer) ?? []) }]
}
