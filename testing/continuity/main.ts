import { catalogue, ensure } from '../parts/catalogue.ts'
import { City } from './service-set.ts'
import { faults, freeze, type Harm, suffer } from './faults.ts'

// node testing/continuity/main.ts [players] [flush period in ms]: lets everything happen to a city that can happen to one, and prints what players noticed.

const [players = 5_000, periodMs = 2_000] = process.argv.slice(2).map(Number)
const say = (line: string) => process.stderr.write(`${line}\n`)

const nats = await ensure('nats', say)
if (!('path' in nats)) throw new Error(`${Object.keys(catalogue).join(', ')}: NATS is missing: ${nats.missing}`)

const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
const show = ({ fault, moved, toldAgain, stranded, kicked, gapMs }: Harm) =>
  row(fault, moved, toldAgain, stranded, kicked, `${(gapMs / 1_000).toFixed(1)} s`, (gapMs / periodMs).toFixed(1))

say(`${players} players move in …`)
await using city = await City.build(nats.path, { players, periodMs })
console.log(`\n${players} players, a flush every ${periodMs} ms\n`)
row('what happened', 'changed island', 'told again', 'stranded', 'kicked', 'longest gap', 'in periods')
row('---', '--:', '--:', '--:', '--:', '--:', '--:')
for (const fault of faults) show(await suffer(city, fault))
const { harm, saidByTheOld, heardTheOld } = await freeze(city)
show(harm)
console.log(
  `\nwords of the frozen one after the other began: ${saidByTheOld}; players who heard one that was forged: ${heardTheOld}`,
)
