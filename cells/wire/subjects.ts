import { type PeerId, parsePeerId } from './peer.ts'

/**
 * Bus addresses (comms.md §5). A scope keeps realms and cells that share one NATS from hearing each other:
 * it stands in front of every subject as tokens of its own, `main.0.peer.0x….heartbeat`.
 */
export interface Subjects {
  heartbeat(peer: PeerId): string
  connect(peer: PeerId): string
  disconnect(peer: PeerId): string
  islandChanged(peer: PeerId): string
  /** Lets a peer into one of the embedded rooms: `rooms.ts`. */
  admission(peer: PeerId): string
  /** Answers to a roll call, for whoever asked: `state-sync.ts`. */
  syncReply(asker: string): string
  readonly islands: string
  readonly discovery: string
  /** What the active archipelago says to be believed alive: `leader-heartbeat.ts`. */
  readonly leaderHeartbeat: string
  /** Asks every connector who is there: `state-sync.ts`. */
  readonly syncRequest: string
  /** Patterns for subscribing to the same addresses of every peer. */
  readonly every: Readonly<Record<'heartbeat' | 'connect' | 'disconnect' | 'islandChanged' | 'admission', string>>
}

/** The addresses of one scope: `''` is upstream's own, `main.0` one cell, `main.*` (patterns only) every cell of a realm. */
export function subjects(scope: string): Subjects {
  const at = scope === '' ? '' : `${scope}.`
  return {
    heartbeat: (peer) => `${at}peer.${peer}.heartbeat`,
    connect: (peer) => `${at}peer.${peer}.connect`,
    disconnect: (peer) => `${at}peer.${peer}.disconnect`,
    islandChanged: (peer) => `${at}engine.peer.${peer}.island_changed`,
    admission: (peer) => `${at}rooms.${peer}.admission`,
    syncReply: (asker) => `${at}engine.roll_call.${asker}`,
    islands: `${at}engine.islands`,
    discovery: `${at}engine.discovery`,
    leaderHeartbeat: `${at}engine.beat`,
    syncRequest: `${at}engine.roll_call`,
    every: {
      heartbeat: `${at}peer.*.heartbeat`,
      connect: `${at}peer.*.connect`,
      disconnect: `${at}peer.*.disconnect`,
      islandChanged: `${at}engine.peer.*.island_changed`,
      admission: `${at}rooms.*.admission`,
    },
  }
}

/** The scope of one cell: its realm's own scope, then its slot. */
export const cellScope = (realmScope: string, slot: number): string => `${realmScope}.${slot}`

/** The peer a per-peer subject speaks of, or nothing when the token is not an address. */
export function peerOf(subject: string): PeerId | undefined {
  const tokens = subject.split('.')
  return parsePeerId(tokens[tokens.length - 2])
}

/** The scope a subject was published in, given the number of tokens behind it (3 per peer, 4 for island_changed, 2 for reports). */
export const scopeOf = (subject: string, tokensBehind: number): string => subject.split('.').slice(0, -tokensBehind).join('.')
