import type { PeerId } from '../../../wire/peer.ts'
import { at, peerId, seededRandom } from '../fixtures.ts'
import type { IslandRules, Islands, RestorableIslands } from '../islands.ts'
import { createIslands } from './island-engine.ts'

/** Upstream's distances and size of a room. */
export const RULES = { joinDistance: 64, leaveDistance: 80, maxPeers: 100 }

/** An engine with upstream's rules and ids `I1`, `I2`, …; a test overrides the rules it is about. */
export function anEngine(rules: Partial<IslandRules> = {}): RestorableIslands {
  let counter = 0
  return createIslands({ ...RULES, nextId: () => `I${(++counter).toString(36)}`, ...rules })
}

/** Records the moves in the results of flushes. */
export class MoveRecorder {
  readonly rooms = new Map<PeerId, string>()
  /** Number of moves by peer. */
  readonly moveCounts = new Map<PeerId, number>()

  flush(islands: Islands): number {
    const { changes } = islands.flush()
    for (const { peer, room } of changes) {
      this.rooms.set(peer, room)
      this.moveCounts.set(peer, (this.moveCounts.get(peer) ?? 0) + 1)
    }
    return changes.length
  }
}

/** A peer that walks in a disc around the origin. */
export interface Walker {
  readonly peer: PeerId
  x: number
  z: number
}

/** Peers spread evenly over a disc. */
export function discOf(count: number, radius: number, seed: number): Walker[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, n) => {
    const angle = random() * 2 * Math.PI
    const distance = Math.sqrt(random()) * radius
    return { peer: peerId(n), x: Math.cos(angle) * distance, z: Math.sin(angle) * distance }
  })
}

/** Sets the position of a walker. */
export const upsert = (islands: Islands, { peer, x, z }: Walker): void => islands.upsert(peer, at(x, z))

/** The share of a peer's ten nearest in reach that are in its island; the mean over a sample of the crowd. */
export function near10(islands: Islands, crowd: readonly Walker[], samples = 300): number {
  let sum = 0
  for (let s = 0; s < samples; s++) {
    const one = crowd[Math.floor((s * crowd.length) / samples)]
    if (!one) continue
    const near = crowd
      .map((other) => ({ other, distance: Math.hypot(other.x - one.x, other.z - one.z) }))
      .filter(({ other, distance }) => other !== one && distance <= RULES.joinDistance)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, 10)
    const together = near.filter(({ other }) => islands.roomOf(other.peer) === islands.roomOf(one.peer))
    sum += near.length === 0 ? 1 : together.length / near.length
  }
  return sum / samples
}
