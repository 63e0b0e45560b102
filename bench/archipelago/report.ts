import { readFileSync, writeFileSync } from 'node:fs'
import type { Behaviour, NeighbourResult } from './neighbours.ts'
import { draw, type Series } from './plot.ts'
import type { Outcome, ScenarioName } from './scenario.ts'

/** Median milliseconds per flush of the reference implementation, recorded on a machine whose calibration is 81 ms. */
export const REFERENCE: Partial<Record<ScenarioName, readonly (readonly [peers: number, ms: number])[]>> = {
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

const docs = (file: string): URL => new URL(`../../docs/${file}`, import.meta.url)
const ms = (value: number): string => (value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '< 0.1')
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Replaces the plots and the tables of `docs/clustering.md`; its prose stays. */
export function writeDocs(outcomes: readonly Outcome[], neighbourResults: readonly NeighbourResult[], machine: string): void {
  writeFileSync(docs('clustering-speed.svg'), speedPlot(outcomes))
  writeFileSync(docs('clustering-neighbours.svg'), neighboursPlot(neighbourResults))
  let page = readFileSync(docs('clustering.md'), 'utf8')
  page = replaced(page, 'speed', `${machine}\n\n${speedTable(outcomes)}`)
  page = replaced(page, 'neighbours', neighboursTable(neighbourResults))
  writeFileSync(docs('clustering.md'), page)
}

function replaced(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: written by the benchmark -->`, `<!-- /${name} -->`]
  const [before, rest] = page.split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`docs/clustering.md has no place for ${name}`)
  return `${before}${begin}\n\n${content}\n\n${end}${after}`
}

function speedTable(outcomes: readonly Outcome[]): string {
  return table(
    [
      'crowd',
      'peers',
      'flush ms',
      'later',
      'p99',
      'cold start ms',
      'announced per flush',
      'islands',
      'near10',
      'memory MB',
      'before',
      'faults',
    ],
    outcomes.map(
      ({ scenario, peers, medianMs, laterMs, p99Ms, coldMs, announcedPerFlush, islands, near10, rssMb, rssBeforeMb, faults }) => [
        scenario,
        peers.toLocaleString('en'),
        ms(medianMs),
        ms(laterMs),
        ms(p99Ms),
        ms(coldMs),
        announcedPerFlush.toFixed(0),
        islands.toLocaleString('en'),
        near10.toFixed(2),
        rssMb.toFixed(0),
        rssBeforeMb.toFixed(0),
        `${Object.values(faults).reduce((sum, count) => sum + count, 0)}`,
      ],
    ),
  )
}

function neighboursTable(neighbourResults: readonly NeighbourResult[]): string {
  return table(
    ['crowd of 5 000 within 60 m', 'budget', 'moves made', 'near10'],
    neighbourResults.map(({ behaviour, budget, moves, near10 }) => [behaviour, `${budget}`, moves.toFixed(2), near10.toFixed(2)]),
  )
}

function speedPlot(outcomes: readonly Outcome[]): string {
  const names = [...new Set(outcomes.map(({ scenario }) => scenario))]
  const ours = names.map((name): Series => {
    const points = outcomes.filter(({ scenario }) => scenario === name).map(({ peers, medianMs }) => [peers, medianMs] as const)
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
      ticks: [0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000].map((at) => ({ at, label: at.toLocaleString('en') })),
    },
    series: [...ours, ...theirs],
  })
}

function neighboursPlot(neighbourResults: readonly NeighbourResult[]): string {
  const behaviours = [...new Set(neighbourResults.map(({ behaviour }) => behaviour))]
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
      points: neighbourResults
        .filter(({ behaviour }) => behaviour === name)
        .map(({ budget, near10 }) => [budget, near10] as const),
    })),
  })
}
