import { cpus } from 'node:os'
import { BEHAVIOURS, measureNeighbours, type NeighbourResult } from './archipelago/neighbours.ts'
import { playInOwnProcesses } from './archipelago/own-process.ts'
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
const BUDGETS = [0, 1, 2, 4, 6, 12, 30, 60]

/**
 * The clustering engine: time, memory, announcements, neighbours in the same room, and correctness. WRITE_DOCS=1 updates `docs/`.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const calibration = calibrationMs()
  const outcomes: Outcome[] = []
  for (const scenario of SCENARIOS) {
    for (const { peers, flushes, onlyWalking } of SIZES) {
      if (onlyWalking && !WALKING.includes(scenario)) continue
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
  if (process.env.WRITE_DOCS !== '1') return
  const machine = `${cpus().length} cores, Node ${process.version}, calibration ${calibration.toFixed(0)} ms.`
  writeDocs(outcomes, neighbourResults, machine)
}

function noteOn({
  laterMs,
  p99Ms,
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
    `later ${laterMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, core ${cpuMs.toFixed(1)} ms, positions ${ingestMs.toFixed(1)} ms`,
    `announced ${announcedPerFlush.toFixed(0)}, islands ${islands}, near10 ${near10.toFixed(2)}, ${rssMb.toFixed(0)} MB of which ${rssBeforeMb.toFixed(0)} before`,
    wrong.join(', '),
  ].join('; ')
}
