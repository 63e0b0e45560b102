import { cpus } from 'node:os'
import { BEHAVIOURS, measureNeighbours, type NeighbourResult } from './archipelago/neighbours.ts'
import { measureEvenness, playInOwnProcesses, restInOwnProcesses } from './archipelago/own-process.ts'
import { writeDocs } from './archipelago/report.ts'
import { type Outcome, SCENARIOS, type ScenarioName } from './archipelago/scenario.ts'
import { calibrationMs } from './calibration.ts'
import type { Figure } from './figure.ts'

/** Selects it on the command line of `bench/main.ts`. */
export const name = 'archipelago'

/** Sizes of the crowds, and the number of measured flushes. */
const SIZES: readonly { peers: number; flushes: number; onlyWalking?: boolean }[] = [
  { peers: 1_000, flushes: 100 },
  { peers: 20_000, flushes: 60 },
  { peers: 100_000, flushes: 44 },
  // Only to check that twice the crowd takes twice the time.
  { peers: 200_000, flushes: 44, onlyWalking: true },
]
const WALKING: readonly ScenarioName[] = ['spread', 'plaza', 'festival']
/** `BENCH_PLAYERS=20000` measures the crowds of this size alone. */
const ONLY_PEERS = process.env.BENCH_PLAYERS === undefined ? undefined : Number(process.env.BENCH_PLAYERS)
const isMeasured = (peers: number): boolean => ONLY_PEERS === undefined || ONLY_PEERS === peers
const EVEN_PEERS = 20_000
const RESTING_PEERS = [20_000, 100_000]
const BUDGETS = [0, 1, 2, 4, 6, 12, 30, 60]

/**
 * The clustering engine: time, memory, announcements, neighbours in the same room, and correctness. WRITE_DOCS=1 updates `docs/`.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const calibration = calibrationMs()
  const outcomes = await measureCrowds(report)
  await reportLongFlushes(report)
  if (ONLY_PEERS !== undefined) return
  const neighbourResults = measureAllNeighbours(report)
  if (process.env.WRITE_DOCS !== '1') return
  const machine = `${cpus().length} cores, Node ${process.version}, calibration ${calibration.toFixed(0)} ms.`
  writeDocs(outcomes, neighbourResults, machine)
}

async function measureCrowds(report: (figure: Figure) => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const scenario of SCENARIOS) {
    for (const { peers, flushes, onlyWalking } of SIZES) {
      if (!isMeasured(peers) || (onlyWalking && !WALKING.includes(scenario))) continue
      const outcome = await playInOwnProcesses(scenario, peers, flushes)
      outcomes.push(outcome)
      report({ what: `${scenario} ${peers / 1000}k, flush`, value: outcome.medianMs, unit: 'ms', note: noteOn(outcome) })
    }
  }
  for (const { peers, scenario, coldMs, coldWithTokensMs } of outcomes) {
    if (scenario !== 'spread') continue
    const note = `all peers arrive at once; ${coldWithTokensMs.toFixed(0)} ms with a token signed for each`
    report({ what: `cold start of ${peers / 1000}k`, value: coldMs, unit: 'ms', note })
  }
  for (const scenario of WALKING) {
    const [full, double] = [100_000, 200_000].map((size) =>
      outcomes.find(({ peers, scenario: of }) => of === scenario && peers === size),
    )
    if (full && double)
      report({
        what: `${scenario}, 200k to 100k`,
        value: double.medianMs / full.medianMs,
        unit: '×',
        compare: { better: 'lower', kind: 'count' },
      })
  }
  return outcomes
}

/** How long the slow flushes of a crowd are that walks, and of one that comes to rest. */
async function reportLongFlushes(report: (figure: Figure) => void): Promise<void> {
  if (isMeasured(EVEN_PEERS))
    for (const scenario of WALKING) {
      const { medianMs, p99, slowest } = await measureEvenness(scenario, EVEN_PEERS)
      report({
        what: `${scenario} ${EVEN_PEERS / 1000}k, p99 to median`,
        value: p99,
        unit: '×',
        note: `processor time, from the second flush on; slowest ${slowest.toFixed(1)} ×, median ${medianMs.toFixed(1)} ms`,
        compare: { better: 'lower', kind: 'count' },
      })
    }
  for (const peers of RESTING_PEERS.filter(isMeasured)) {
    const { slowestMs, flushes, near10 } = await restInOwnProcesses(peers)
    const note = `processor time; the last move after ${flushes} flushes, near10 ${near10.toFixed(2)}`
    report({ what: `${peers / 1000}k come to rest, slowest flush`, value: slowestMs, unit: 'ms', note })
  }
}

function measureAllNeighbours(report: (figure: Figure) => void): NeighbourResult[] {
  const neighbourResults: NeighbourResult[] = []
  for (const behaviour of BEHAVIOURS) {
    for (const budget of BUDGETS) {
      const result = measureNeighbours(behaviour, budget)
      neighbourResults.push(result)
      const note = `5k within 60 m; ${result.moves.toFixed(2)} moves per peer in two minutes`
      report({
        what: `near10 ${behaviour}, budget ${budget}`,
        value: result.near10,
        unit: '',
        note,
        compare: { better: 'higher', kind: 'count' },
      })
    }
  }
  return neighbourResults
}

function noteOn({
  laterMs,
  slowestMs,
  cpuMs,
  ingestMs,
  announcedPerFlush,
  islands,
  near10,
  rssMb,
  rssBeforeMb,
  faults,
}: Outcome): string {
  const wrong = Object.entries(faults).map(([fault, count]) => `${fault} ${count}`)
  return [
    `later ${laterMs.toFixed(1)} ms, slowest ${slowestMs.toFixed(1)} ms, core ${cpuMs.toFixed(1)} ms, positions ${ingestMs.toFixed(1)} ms`,
    `announced ${announcedPerFlush.toFixed(0)}, islands ${islands}, near10 ${near10.toFixed(2)}, ${rssMb.toFixed(0)} MB of which ${rssBeforeMb.toFixed(0)} before`,
    wrong.join(', '),
  ].join('; ')
}
