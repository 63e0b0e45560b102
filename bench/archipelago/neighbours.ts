import { peerId, seededRandom, someIslands } from '../../cells/archipelago/core/fixtures.ts'
import { Crowd, SPREADS } from './crowd.ts'
import { near10 } from './faults.ts'

/**
 * How 5 000 peers within 60 m behave: they stand, they stroll (stand for half a minute, walk for a few seconds), or never stop
 * walking.
 */
export const BEHAVIOURS = ['standing', 'strolling', 'walking'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** How many neighbours share a room with a budget of moves. */
export interface NeighbourResult {
  behaviour: Behaviour
  /** Upper limit of moves per peer in two minutes, on average. */
  budget: number
  /** Moves per peer in two minutes, once the crowd had gathered. */
  moves: number
  near10: number
}

const PEERS = 5_000
/** Flushes in two minutes. */
const WINDOW = 60
/** Peers arrive in groups, each spread over the whole area, so that at first neighbours are in different rooms. */
const GROUP = 500

/** Measured flushes: crowds that never come to rest are rebalanced about once per window, so whole periods are measured. */
const MEASURED_FLUSHES = 2 * (WINDOW + 9)

/** Lets a crowd gather, waits two minutes, and then measures it for about four more. */
export function measureNeighbours(behaviour: Behaviour, budget: number): NeighbourResult {
  const random = seededRandom(3)
  const crowd = new Crowd(PEERS, SPREADS.packed, 3)
  const ids = Array.from({ length: PEERS }, (_, n) => peerId(n))
  const resting = new Int32Array(PEERS).map(() => Math.floor(random() * 30))
  const islands = someIslands({ rebalanceBudget: budget, rebalanceWindow: WINDOW })
  for (const [n, id] of ids.entries()) {
    islands.upsert(id, crowd.at(n))
    if ((n + 1) % GROUP === 0) islands.flush()
  }
  const rests = (n: number): boolean => {
    if (behaviour !== 'strolling') return behaviour === 'standing'
    const left = resting[n] ?? 0
    // Below 0 it walks: for four flushes on average.
    resting[n] = left > 0 ? left - 1 : random() < 0.25 ? Math.floor(random() * 30) : 0
    return left > 0
  }
  let near = 0
  let moves = 0
  for (let flush = 0; flush < WINDOW + MEASURED_FLUSHES; flush++) {
    crowd.walk(rests)
    for (const [n, id] of ids.entries()) islands.upsert(id, crowd.at(n))
    const { changes } = islands.flush()
    if (flush < WINDOW) continue
    moves += ((changes.filter(({ cause }) => cause === 'rebalance').length / PEERS) * WINDOW) / MEASURED_FLUSHES
    if (flush % 3 === 0)
      near += near10(crowd.x, crowd.z, (n) => islands.roomOf(ids[n] ?? peerId(n)), 150) / (MEASURED_FLUSHES / 3)
  }
  return { behaviour, budget, moves, near10: near }
}
