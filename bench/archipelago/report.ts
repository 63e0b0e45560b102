import { readFileSync, writeFileSync } from 'node:fs'
import type { NeighbourResult } from './neighbours.ts'
import { clusteringPlots } from './plots.ts'
import type { Outcome } from './scenario.ts'

const docs = (file: string): URL => new URL(`../../docs/${file}`, import.meta.url)
const ms = (value: number): string => (value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '< 0.1')
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Replaces the plots and the tables of `docs/clustering.md`; its prose stays. */
export function writeDocs(outcomes: readonly Outcome[], neighbourResults: readonly NeighbourResult[], machine: string): void {
  let page = readFileSync(docs('clustering.md'), 'utf8')
  page = replaced(page, 'speed', `${machine}\n\n${speedTable(outcomes)}`)
  page = replaced(page, 'neighbours', neighboursTable(neighbourResults))
  writeFileSync(docs('clustering.md'), page)
  for (const [file, svg] of Object.entries(clusteringPlots(page))) writeFileSync(docs(file), svg)
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
      'slowest',
      'cold start ms',
      'announced per flush',
      'islands',
      'near10',
      'memory MB',
      'before',
      'faults',
    ],
    outcomes.map((outcome) => [
      outcome.scenario,
      outcome.peers.toLocaleString('en'),
      ms(outcome.medianMs),
      ms(outcome.laterMs),
      ms(outcome.slowestMs),
      ms(outcome.coldMs),
      outcome.announcedPerFlush.toFixed(0),
      outcome.islands.toLocaleString('en'),
      outcome.near10.toFixed(2),
      outcome.rssMb.toFixed(0),
      outcome.rssBeforeMb.toFixed(0),
      `${Object.values(outcome.faults).reduce((sum, count) => sum + count, 0)}`,
    ]),
  )
}

function neighboursTable(neighbourResults: readonly NeighbourResult[]): string {
  return table(
    ['crowd of 5 000 within 60 m', 'budget', 'moves made', 'near10'],
    neighbourResults.map(({ behaviour, budget, moves, near10 }) => [behaviour, `${budget}`, moves.toFixed(2), near10.toFixed(2)]),
  )
}
