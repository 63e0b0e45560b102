import { peerId, someIslands } from '../../cells/archipelago/core/fixtures.ts'
import { createLivekitTransport } from '../../cells/rtc/livekit-transport.ts'
import { threadCpuMs } from '../thread-cpu.ts'
import { Crowd, SPREADS } from './crowd.ts'
import { type Faults, faultsIn, near10 } from './faults.ts'

/** What a crowd does between two flushes. */
export const SCENARIOS = ['spread', 'plaza', 'festival', 'teleport', 'churn', 'idle'] as const
export type ScenarioName = (typeof SCENARIOS)[number]

/** The results of a scenario; times in ms of wall-clock time, `cpuMs` of processor time. */
export interface Outcome {
  scenario: ScenarioName
  peers: number
  coldMs: number
  /** The same, with a token signed for each peer. */
  coldWithTokensMs: number
  /** Of the first half of the measured flushes, while islands are as they were formed. */
  medianMs: number
  /** Of the second half: peers that walk straight on have stretched the islands, and many break in each flush. */
  laterMs: number
  /** The slowest flush but the first. */
  slowestMs: number
  cpuMs: number
  /** Milliseconds to pass one position of every peer to the engine. */
  ingestMs: number
  announcedPerFlush: number
  islands: number
  near10: number
  /**
   * Resident memory of the process at the end, garbage included, and before the first heartbeat: Node, the crowd, and its
   * addresses.
   */
  rssMb: number
  rssBeforeMb: number
  faults: Faults
}

const SEED = 7
const transport = createLivekitTransport({
  url: 'wss://livekit.example.org',
  apiKey: 'key',
  apiSecret: 'a secret for the benchmark',
})
/** Flushes after the first one that count for the slowest flush only. */
const WARM_UP = 3
/** The share of the crowd that jumps elsewhere, or leaves and is replaced, between two flushes. */
const JUMPING = 0.05

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Puts together the runs of a scenario. All are identical, so the fastest of each flush counts: other programs are not to be measured. */
export function outcomeOf(scenario: ScenarioName, peers: number, takes: readonly [Take, ...Take[]]): Outcome {
  const [first] = takes
  const fastest = (of: (take: Take) => readonly number[]): number[] =>
    of(first).map((_, i) => Math.min(...takes.map((one) => of(one)[i] ?? Number.POSITIVE_INFINITY)))
  const times = fastest((one) => one.times)
  const warm = times.slice(WARM_UP)
  const { announcedPerFlush, islands, near10: share, rssMb, rssBeforeMb, faults } = first
  return {
    scenario,
    peers,
    coldMs: Math.min(...takes.map(({ coldMs }) => coldMs)),
    coldWithTokensMs: Math.min(...takes.map(({ coldWithTokensMs }) => coldWithTokensMs)),
    medianMs: quantile(warm.slice(0, warm.length / 2), 0.5),
    laterMs: quantile(warm.slice(warm.length / 2), 0.5),
    slowestMs: Math.max(...times),
    cpuMs: Math.min(...takes.map(({ cpuTimes }) => mean(cpuTimes.slice(WARM_UP)))),
    ingestMs: quantile(
      fastest((one) => one.ingest),
      0.5,
    ),
    announcedPerFlush,
    islands,
    near10: share,
    rssMb,
    rssBeforeMb,
    faults,
  }
}

/** One run of a scenario, in a fresh process: its first flush is as cold as after a restart. `times` are those of the flushes after it. */
export interface Take extends Omit<Outcome, 'scenario' | 'peers' | 'medianMs' | 'laterMs' | 'slowestMs' | 'cpuMs' | 'ingestMs'> {
  times: number[]
  /** The same flushes in ms of processor time. */
  cpuTimes: number[]
  ingest: number[]
}

/** Lets a crowd arrive at once and then move for some flushes. */
export function take(scenario: ScenarioName, peers: number, flushes: number): Take {
  const crowd = new Crowd(peers, scenario === 'plaza' || scenario === 'festival' ? SPREADS[scenario] : SPREADS.spread, SEED)
  const ids = Array.from({ length: peers }, (_, n) => peerId(n))
  // Addresses of absent peers: a peer that leaves returns under its address after all the others were used.
  const away = Array.from({ length: Math.ceil(2 * JUMPING * peers) }, (_, n) => peerId(peers + n))
  globalThis.gc?.()
  const rssBeforeMb = rss()
  const islands = someIslands()
  let arrivals = 0
  const sendHeartbeats = () => {
    for (const [n, id] of ids.entries()) islands.upsert(id, crowd.at(n))
  }
  sendHeartbeats()
  const start = performance.now()
  const { changes: arrived } = islands.flush()
  const coldMs = performance.now() - start
  for (const { peer, room } of arrived) transport.connectionString(peer, room, 'island')
  const coldWithTokensMs = performance.now() - start
  const times: number[] = []
  const ingest: number[] = []
  const cpuTimes: number[] = []
  let announced = 0
  for (let flush = -WARM_UP; flush < flushes; flush++) {
    if (scenario !== 'idle') crowd.walk()
    if (scenario === 'teleport') crowd.jump(JUMPING)
    if (scenario === 'churn') {
      for (const n of crowd.jump(JUMPING)) {
        const [leaving, arriving] = [ids[n] ?? peerId(n), away[arrivals % away.length] ?? peerId(n)]
        islands.remove(leaving)
        ids[n] = arriving
        away[arrivals++ % away.length] = leaving
      }
    }
    const ingestStart = performance.now()
    sendHeartbeats()
    const began = performance.now()
    const cpu = threadCpuMs()
    const { changes } = islands.flush()
    cpuTimes.push(threadCpuMs() - cpu)
    times.push(performance.now() - began)
    if (flush < 0) continue
    announced += changes.length
    ingest.push(began - ingestStart)
  }
  const rssMb = rss()
  return {
    coldMs,
    coldWithTokensMs,
    times,
    ingest,
    cpuTimes,
    announcedPerFlush: announced / flushes,
    islands: islands.islandCount,
    near10: near10(crowd.x, crowd.z, (n) => islands.roomOf(ids[n] ?? peerId(n)), 200),
    rssMb,
    rssBeforeMb,
    faults: faultsIn(islands, ids),
  }
}

const rss = (): number => process.memoryUsage.rss() / 2 ** 20
