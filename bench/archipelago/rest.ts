import { peerId, someIslands } from '../../cells/archipelago/core/fixtures.ts'
import { threadCpuMs } from '../thread-cpu.ts'
import { Crowd } from './crowd.ts'
import { near10 } from './faults.ts'

/** A crowd that comes to rest, and is rebalanced. */
export interface Rest {
  /** Processor time of the slowest flush after the last peer arrived. */
  slowestMs: number
  /** Flushes after the last peer arrived until the last move. */
  flushes: number
  near10: number
}

/** Peers arrive in so many groups, each spread over the whole area, so that at first neighbours are in different rooms. */
const GROUPS = 10
const MEASURED_FLUSHES = 60

/** As many peers for each square metre as when 5 000 stand within 60 m. */
export function measureRest(peers: number): Rest {
  const crowd = new Crowd(peers, { share: 1, radius: 60 * Math.sqrt(peers / 5_000) }, 7)
  const ids = Array.from({ length: peers }, (_, n) => peerId(n))
  const islands = someIslands()
  for (const [n, id] of ids.entries()) {
    islands.upsert(id, crowd.at(n))
    if ((n + 1) % (peers / GROUPS) === 0) islands.flush()
  }
  let slowestMs = 0
  let flushes = 0
  for (let flush = 1; flush <= MEASURED_FLUSHES; flush++) {
    const before = threadCpuMs()
    const { changes } = islands.flush()
    slowestMs = Math.max(slowestMs, threadCpuMs() - before)
    if (changes.length > 0) flushes = flush
  }
  return { slowestMs, flushes, near10: near10(crowd.x, crowd.z, (n) => islands.roomOf(ids[n] ?? peerId(n)), 200) }
}
