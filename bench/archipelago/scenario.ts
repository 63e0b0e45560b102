import { createIslands } from '../../cells/archipelago/core/engine/island-engine.ts'
import { peerId } from '../../cells/archipelago/core/fixtures.ts'
import { createLivekitTransport } from '../../cells/rtc/livekit-transport.ts'
import { Crowd, SPREADS } from './crowds.ts'
import { type Faults, faultsIn, near10 } from './gates.ts'

/** What a crowd does from flush to flush. */
export const SCENARIOS = ['spread', 'plaza', 'festival', 'teleport', 'churn', 'idle'] as const
export type ScenarioName = (typeof SCENARIOS)[number]

/** What a scenario showed; times in ms, as a clock on the wall shows them, and as the core spent them. */
export interface Outcome {
  scenario: ScenarioName
  peers: number
  coldMs: number
  /** The same, and a token signed for each peer that then has a room. */
  coldWithTokensMs: number
  /** Of the first half of the flushes watched, while islands are as they were formed. */
  medianMs: number
  /** Of the second half: who walks straight on has stretched the islands, and many break in each flush. */
  laterMs: number
  p99Ms: number
  cpuMs: number
  /** Milliseconds to take in one position of everybody. */
  ingestMs: number
  toldPerFlush: number
  islands: number
  near10: number
  /** Resident memory of the process in the end, garbage included; and what it was before the first peer spoke: Node, the crowd, and its addresses. */
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
/** Flushes before one looks. */
const WARM_UP = 3
/** A share of the crowd that appears elsewhere, or leaves and is replaced, between two flushes. */
const JUMPING = 0.05

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0

/** Plays of each scenario; all are alike, so of each flush the fastest counts: what else the machine did meanwhile is not the engine's. */
const TAKES = 3

/** Lets a crowd arrive at once and then do what it does for some flushes. */
export function play(scenario: ScenarioName, peers: number, flushes: number): Outcome {
  const first = take(scenario, peers, flushes)
  const takes = [first, ...Array.from({ length: TAKES - 1 }, () => take(scenario, peers, flushes))]
  const fastest = (of: (take: Take) => readonly number[]): number[] =>
    of(first).map((_, i) => Math.min(...takes.map((one) => of(one)[i] ?? Number.POSITIVE_INFINITY)))
  const times = fastest((one) => one.times)
  const { toldPerFlush, islands, near10: company, rssMb, rssBeforeMb, faults } = first
  return {
    scenario,
    peers,
    coldMs: Math.min(...takes.map(({ coldMs }) => coldMs)),
    coldWithTokensMs: Math.min(...takes.map(({ coldWithTokensMs }) => coldWithTokensMs)),
    medianMs: quantile(times.slice(0, flushes / 2), 0.5),
    laterMs: quantile(times.slice(flushes / 2), 0.5),
    p99Ms: quantile(times, 0.99),
    cpuMs: Math.min(...takes.map(({ cpuMs }) => cpuMs)),
    ingestMs: quantile(
      fastest((one) => one.ingest),
      0.5,
    ),
    toldPerFlush,
    islands,
    near10: company,
    rssMb,
    rssBeforeMb,
    faults,
  }
}

interface Take extends Omit<Outcome, 'scenario' | 'peers' | 'medianMs' | 'laterMs' | 'p99Ms' | 'ingestMs'> {
  times: number[]
  ingest: number[]
}

function take(scenario: ScenarioName, peers: number, flushes: number): Take {
  const crowd = new Crowd(peers, scenario === 'plaza' || scenario === 'festival' ? SPREADS[scenario] : SPREADS.spread, SEED)
  const ids = Array.from({ length: peers }, (_, n) => peerId(n))
  // Those who are away: whoever leaves comes back under its address when all of them have been here.
  const away = Array.from({ length: Math.ceil(2 * JUMPING * peers) }, (_, n) => peerId(peers + n))
  globalThis.gc?.()
  const rssBeforeMb = rss()
  let rooms = 0
  const islands = createIslands({
    joinDistance: 64,
    leaveDistance: 80,
    maxPeers: 100,
    nextId: () => `I${(++rooms).toString(36)}`,
  })
  let comings = 0
  const speak = () => {
    for (const [n, id] of ids.entries()) islands.upsert(id, crowd.at(n))
  }
  speak()
  const start = performance.now()
  const { changes: arrived } = islands.flush()
  const coldMs = performance.now() - start
  for (const { peer, room } of arrived) transport.connectionString(peer, room, 'island')
  const coldWithTokensMs = performance.now() - start
  const times: number[] = []
  const ingest: number[] = []
  let told = 0
  let cpuMs = 0
  for (let flush = -WARM_UP; flush < flushes; flush++) {
    if (scenario !== 'idle') crowd.walk()
    if (scenario === 'teleport') crowd.jump(JUMPING)
    if (scenario === 'churn') {
      for (const n of crowd.jump(JUMPING)) {
        const [leaving, coming] = [ids[n] ?? peerId(n), away[comings % away.length] ?? peerId(n)]
        islands.remove(leaving)
        ids[n] = coming
        away[comings++ % away.length] = leaving
      }
    }
    const spoke = performance.now()
    speak()
    const began = performance.now()
    const cpu = process.threadCpuUsage()
    const { changes } = islands.flush()
    const { user, system } = process.threadCpuUsage(cpu)
    if (flush < 0) continue
    times.push(performance.now() - began)
    told += changes.length
    ingest.push(began - spoke)
    cpuMs += (user + system) / 1000 / flushes
  }
  const rssMb = rss()
  return {
    coldMs,
    coldWithTokensMs,
    times,
    ingest,
    cpuMs,
    toldPerFlush: told / flushes,
    islands: islands.islandCount,
    near10: near10(crowd.x, crowd.z, (n) => islands.roomOf(ids[n] ?? peerId(n)), 200),
    rssMb,
    rssBeforeMb,
    faults: faultsIn(islands, ids),
  }
}

const rss = (): number => process.memoryUsage.rss() / 2 ** 20
