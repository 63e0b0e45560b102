import type { PeerId, Position } from '../../wire/peer.ts'
import { createIslands } from './engine/island-engine.ts'
import type { IslandRules, Islands } from './islands.ts'

/** The nth peer of a test. */
export const peerId = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`

/** A position on the ground. */
export const at = (x: number, z = 0): Position => ({ x, y: 0, z })

/** An engine with upstream's distances and ids `I1`, `I2`, …; a test overrides the rules it is about. */
export function someIslands(rules: Partial<IslandRules> = {}): Islands {
  let counter = 0
  return createIslands({
    joinDistance: 64,
    leaveDistance: 80,
    maxPeers: 100,
    nextId: () => `I${(++counter).toString(36)}`,
    ...rules,
  })
}

/** Puts `count` peers, from number `first` on, at a position. */
export function crowd(islands: Islands, first: number, count: number, spot: Position): PeerId[] {
  const peers = Array.from({ length: count }, (_, i) => peerId(first + i))
  for (const peer of peers) islands.upsert(peer, spot)
  return peers
}

/** A reproducible random number generator: numbers from 0 to 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
