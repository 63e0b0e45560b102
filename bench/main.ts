import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { calibrationMs } from './calibration.ts'

/** One figure of a benchmark. */
export interface Row {
  what: string
  value: number
  unit: string
  note?: string
}

/** A file `bench/<name>.bench.ts`. */
export interface Bench {
  name: string
  run(report: (row: Row) => void): Promise<void>
}

const wanted = process.argv.slice(2)
const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.bench.ts'))
const benches = await Promise.all(files.map(async (file) => (await import(`./${file}`)) as Bench))
const chosen = wanted.length === 0 ? benches : benches.filter(({ name }) => wanted.includes(name))
if (chosen.length === 0) {
  console.error(`no such benchmark: ${wanted.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toLocaleString('en', { maximumSignificantDigits: 3 })

console.log(
  `${cpus().length} cores, Node ${process.version}, calibration ${calibrationMs().toFixed(0)} ms (compare figures by their ratio to it)\n`,
)
for (const { name, run } of chosen) {
  console.log(`## ${name}\n\n| what | value | |\n|---|---:|---|`)
  await run(({ what, value, unit, note }) => console.log(`| ${what} | ${shown(value)} ${unit} | ${note ?? ''} |`))
  console.log('')
}
process.exit(0)
