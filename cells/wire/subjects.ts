import type { ConnectorId } from './connector-id.ts'
import { type PeerId, parsePeerId } from './peer.ts'

/**
 * NATS subjects (comms.md §5). A scope separates the realms and cells that share one NATS: it precedes every subject as tokens of
 * its own, `main.0.peer.0x….heartbeat`.
 */
export interface Subjects {
  heartbeat(peer: PeerId): string
  connect(peer: PeerId): string
  disconnect(peer: PeerId): string
  islandChanged(peer: PeerId): string
  /** The same for players of one connector together: `island-group.ts`. */
  islandGroup(connector: ConnectorId): string
  /** Admits a peer to one of the embedded rooms: `admission.ts`. */
  admission(peer: PeerId): string
  /** Replies to a sync request, for the archipelago that sent it: `state-sync.ts`. */
  syncReply(requester: string): string
  readonly islands: string
  /** Who is on which parcel of the realm: `parcel-changes.ts`. */
  readonly parcelChanges: string
  readonly discovery: string
  /** How the active archipelago keeps its leadership: `leader-heartbeat.ts`. */
  readonly leaderHeartbeat: string
  /** Requests the sessions of every connector: `state-sync.ts`. */
  readonly syncRequest: string
  /** Wildcard subjects, to subscribe for all peers or connectors at once. */
  readonly every: Readonly<Record<'heartbeat' | 'connect' | 'disconnect' | 'islandChanged' | 'islandGroup' | 'admission', string>>
}

/**
 * The subjects of one scope: `''` for upstream's own, `main.0` for one cell, `main.*` (subscriptions only) for every cell of a
 * realm.
 */
export function subjects(scope: string): Subjects {
  const at = scope === '' ? '' : `${scope}.`
  return {
    heartbeat: (peer) => `${at}peer.${peer}.heartbeat`,
    connect: (peer) => `${at}peer.${peer}.connect`,
    disconnect: (peer) => `${at}peer.${peer}.disconnect`,
    islandChanged: (peer) => `${at}engine.peer.${peer}.island_changed`,
    islandGroup: (connector) => `${at}engine.connector.${connector}.island_changed`,
    admission: (peer) => `${at}rooms.${peer}.admission`,
    syncReply: (requester) => `${at}engine.state_sync.${requester}`,
    islands: `${at}engine.islands`,
    parcelChanges: `${at}engine.parcel_changes`,
    discovery: `${at}engine.discovery`,
    leaderHeartbeat: `${at}engine.leader_heartbeat`,
    syncRequest: `${at}engine.state_sync`,
    every: {
      heartbeat: `${at}peer.*.heartbeat`,
      connect: `${at}peer.*.connect`,
      disconnect: `${at}peer.*.disconnect`,
      islandChanged: `${at}engine.peer.*.island_changed`,
      islandGroup: `${at}engine.connector.*.island_changed`,
      admission: `${at}rooms.*.admission`,
    },
  }
}

/** The scope of one cell: its realm's own scope, then its slot. */
export const cellScope = (realmScope: string, slot: number): string => `${realmScope}.${slot}`

/** The peer named in a per-peer subject, or undefined when the token is not an address. */
export function peerOf(subject: string): PeerId | undefined {
  const tokens = subject.split('.')
  return parsePeerId(tokens[tokens.length - 2])
}

/**
 * The scope a subject was published in, given the number of tokens behind it (3 per peer, 4 for island_changed, 2 for reports).
 */
export const scopeOf = (subject: string, tokensBehind: number): string => subject.split('.').slice(0, -tokensBehind).join('.')
