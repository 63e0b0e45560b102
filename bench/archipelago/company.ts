import { createIslands } from '../../cells/archipelago/core/engine/island-engine.ts'
import { dice, peerId } from '../../cells/archipelago/core/fixtures.ts'
import { Crowd, SPREADS } from './crowds.ts'
import { near10 } from './gates.ts'

/** How 5 000 people within 60 m behave: they stand, they stroll (stand for half a minute, walk for a few seconds), or never stop walking. */
export const BEHAVIOURS = ['standing', 'strolling', 'walking'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** What a budget of moves buys. */
export interface Company {
  behaviour: Behaviour
  /** Moves a peer may be asked to make in two minutes, at most on average. */
  budget: number
  /** Moves it was asked to make in two minutes, once the crowd had gathered. */
  moves: number
  near10: number
}

const PEERS = 5_000
/** Flushes in two minutes. */
const WINDOW = 60
/** People arrive in groups, each spread over the whole place, so that at first nobody stands with their neighbours. */
const GROUP = 500

/** Crowds that never come to rest are sorted out about once per window, so that one looks at whole periods. */
const WATCHED = 2 * (WINDOW + 9)

/** Lets a crowd gather, gives it two minutes, and then looks at it for some four more. */
export function companyFor(behaviour: Behaviour, budget: number): Company {
  const random = dice(3)
  const crowd = new Crowd(PEERS, SPREADS.packed, 3)
  const ids = Array.from({ length: PEERS }, (_, n) => peerId(n))
  const resting = new Int32Array(PEERS).map(() => Math.floor(random() * 30))
  let rooms = 0
  const islands = createIslands({
    joinDistance: 64,
    leaveDistance: 80,
    maxPeers: 100,
    nextId: () => `I${(++rooms).toString(36)}`,
    rebalanceBudget: budget,
    rebalanceWindow: WINDOW,
  })
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
  for (let flush = 0; flush < WINDOW + WATCHED; flush++) {
    crowd.walk(rests)
    for (const [n, id] of ids.entries()) islands.upsert(id, crowd.at(n))
    const { changes } = islands.flush()
    if (flush < WINDOW) continue
    moves += ((changes.filter(({ cause }) => cause === 'rebalance').length / PEERS) * WINDOW) / WATCHED
    if (flush % 3 === 0) near += near10(crowd.x, crowd.z, (n) => islands.roomOf(ids[n] ?? peerId(n)), 150) / (WATCHED / 3)
  }
  return { behaviour, budget, moves, near10: near }
}
