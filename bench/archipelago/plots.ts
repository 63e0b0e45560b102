import type { Behaviour } from './neighbours.ts'
import { draw, type Series } from './plot.ts'
import type { ScenarioName } from './scenario.ts'

/** Median milliseconds per flush of the reference implementation, recorded on a machine whose calibration is 81 ms. */
const REFERENCE: Partial<Record<ScenarioName, readonly (readonly [peers: number, ms: number])[]>> = {
  spread: [
    [1_000, 41],
    [20_000, 213],
    [100_000, 1_683],
  ],
  plaza: [
    [1_000, 19],
    [20_000, 325],
    [100_000, 15_658],
  ],
  festival: [
    [1_000, 1.2],
    [20_000, 464],
    [50_000, 6_247],
  ],
}

const COLOURS: Record<ScenarioName, string> = {
  spread: '#0969da',
  plaza: '#8250df',
  festival: '#cf222e',
  teleport: '#bf8700',
  churn: '#1a7f37',
  idle: '#6e7781',
}
const BEHAVIOUR_COLOURS: Record<Behaviour, string> = { standing: '#1a7f37', strolling: '#0969da', walking: '#cf222e' }

/** Where the axis of milliseconds begins; the table says less than 0.1 of what is below that. */
const LOWEST_MS = 0.01

/** The plots of `docs/clustering.md`, drawn from the tables that the benchmark wrote into it, by the names of their files. */
export const clusteringPlots = (page: string): Readonly<Record<string, string>> => ({
  'clustering-speed.svg': speedPlot(rowsOf(page, 'speed')),
  'clustering-neighbours.svg': neighboursPlot(rowsOf(page, 'neighbours')),
})

/** The cells of a table of the benchmark, without its head. */
function rowsOf(page: string, name: string): string[][] {
  const [, rest = ''] = page.split(`<!-- ${name}: written by the benchmark -->`)
  const [table = ''] = rest.split(`<!-- /${name} -->`)
  const lines = table.split('\n').filter((line) => line.startsWith('|'))
  if (lines.length < 3) throw new Error(`docs/clustering.md has no table ${name}`)
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const numberIn = (cell = ''): number => Number(cell.replaceAll(',', ''))

function speedPlot(rows: readonly (readonly string[])[]): string {
  const names = [...new Set(rows.map(([crowd = '']) => crowd as ScenarioName))]
  const ours = names.map((name): Series => {
    const points = rows
      .filter(([crowd]) => crowd === name)
      .map(([, peers, flushMs]) => [numberIn(peers), flushMs === '< 0.1' ? LOWEST_MS : numberIn(flushMs)] as const)
    return { name, colour: COLOURS[name], points }
  })
  const theirs = names.flatMap((name): Series[] => {
    const points = REFERENCE[name]
    return points ? [{ name: `${name}, reference`, colour: COLOURS[name], points, isDashed: true }] : []
  })
  return draw({
    title: 'Milliseconds per flush, median, one core',
    x: {
      label: 'peers',
      isLogarithmic: true,
      ticks: [1_000, 10_000, 100_000, 200_000].map((at) => ({ at, label: `${at / 1000}k` })),
    },
    y: {
      label: 'ms',
      isLogarithmic: true,
      ticks: [LOWEST_MS, 0.1, 1, 10, 100, 1_000, 10_000, 100_000].map((at) => ({ at, label: at.toLocaleString('en') })),
    },
    series: [...ours, ...theirs],
  })
}

function neighboursPlot(rows: readonly (readonly string[])[]): string {
  const behaviours = [...new Set(rows.map(([behaviour = '']) => behaviour as Behaviour))]
  return draw({
    title: 'Share of the ten nearest peers in the same island',
    x: {
      label: 'moves allowed per peer in two minutes',
      ticks: [0, 10, 20, 30, 40, 50, 60].map((at) => ({ at, label: `${at}` })),
    },
    y: { label: 'near10', ticks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({ at, label: at.toFixed(1) })) },
    series: behaviours.map((name) => ({
      name,
      colour: BEHAVIOUR_COLOURS[name],
      points: rows
        .filter(([behaviour]) => behaviour === name)
        .map(([, budget, , near10]) => [numberIn(budget), numberIn(near10)] as const),
    })),
  })
}
