import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { scriptArguments } from '../testing/script-arguments.ts'
import { type Baseline, type BaselineRow, baselineRow, changeOf, changeText, renewed } from './baseline.ts'
import { calibrationMs } from './calibration.ts'
import type { Bench, Figure } from './figure.ts'

// npm run bench [-- --write-baseline] [NAME…]: prints figures beside those of bench/baseline.json, which --write-baseline renews.

const baselineFile = new URL('./baseline.json', import.meta.url)
const options = { 'write-baseline': { type: 'boolean', default: false } } as const
const { values, positionals: names } = scriptArguments(options, 'npm run bench [-- --write-baseline] [NAME…]')

const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.bench.ts'))
const benches = await Promise.all(files.map(async (file) => (await import(`./${file}`)) as Bench))
const chosen = names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name))
if (chosen.length === 0) {
  console.error(`there is no benchmark ${names.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toLocaleString('en', { maximumSignificantDigits: 3 })

const baseline = JSON.parse(readFileSync(baselineFile, 'utf8')) as Baseline
const calibration = calibrationMs()
const fallen: string[] = []

/** Runs a benchmark, prints its table, and returns the figures that can be compared with another run. */
async function runBench({ name, run }: Bench): Promise<Record<string, BaselineRow>> {
  const rows: Record<string, BaselineRow> = {}
  console.log(`## ${name}\n\n| what | value | against the baseline | |\n|---|---:|---|---|`)
  await run((figure: Figure) => {
    const { what, value, unit, note = '' } = figure
    const row = baselineRow(figure, calibration)
    const change = changeOf(row, baseline[name]?.[what])
    if (what in rows) throw new Error(`${name} reports two figures named '${what}'`)
    if (row) rows[what] = row
    if ('isFall' in change && change.isFall) fallen.push(`${name}: ${what}: ${changeText(change)}`)
    console.log(`| ${what} | ${shown(value)} ${unit} | ${changeText(change)} | ${note} |`)
  })
  console.log('')
  return rows
}

console.log(
  `${cpus().length} cores, Node ${process.version}, calibration ${calibration.toFixed(0)} ms (compare figures by their ratio to it)\n`,
)
const ran: Record<string, Record<string, BaselineRow>> = {}
for (const bench of chosen) ran[bench.name] = await runBench(bench)
if (fallen.length > 0)
  console.log(`fell by more than a fifth against the baseline:\n${fallen.map((line) => `- ${line}`).join('\n')}`)
if (values['write-baseline']) writeFileSync(baselineFile, `${JSON.stringify(renewed(baseline, ran), undefined, 2)}\n`)
process.exit(0)
