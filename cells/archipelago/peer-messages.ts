import type { Bus } from '../bus/bus.ts'
import type { PeerId } from '../wire/peer.ts'
import { peerOf } from '../wire/subjects.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** Why a message was ignored; a label of its metric. */
export type Ignored = keyof ArchipelagoMetrics['ignored']

/** Subscribes to a message of all peers; `receive` returns why it ignored one. @returns what ends the subscription */
export function subscribeToPeers(
  { bus, metrics }: { bus: Bus; metrics: ArchipelagoMetrics },
  pattern: string,
  receive: (peer: PeerId, payload: Uint8Array) => Ignored | undefined,
): () => void {
  return bus.subscribe(pattern, (payload, subject) => {
    const peer = peerOf(subject)
    const ignored = peer ? receive(peer, payload) : 'subject'
    if (ignored) metrics.ignored[ignored].inc()
  })
}
