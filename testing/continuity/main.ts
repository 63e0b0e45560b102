import { catalogue, ensure } from '../parts/catalogue.ts'
import { type FaultEffects, faults, freezeActive, measureFault } from './faults.ts'
import { ServiceSet } from './service-set.ts'

// node testing/continuity/main.ts [players] [flush period in ms]: causes the faults of faults.ts, and prints how they affected the players.

const [players = 5_000, periodMs = 2_000] = process.argv.slice(2).map(Number)
const say = (line: string) => process.stderr.write(`${line}\n`)

const nats = await ensure('nats', say)
if (!('path' in nats)) throw new Error(`${Object.keys(catalogue).join(', ')}: NATS is missing: ${nats.missing}`)

const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
const show = ({ fault, moved, announcedAgain, stranded, kicked, gapMs }: FaultEffects) =>
  row(fault, moved, announcedAgain, stranded, kicked, `${(gapMs / 1_000).toFixed(1)} s`, (gapMs / periodMs).toFixed(1))

say(`${players} players connect …`)
await using services = await ServiceSet.start(nats.path, { players, periodMs })
console.log(`\n${players} players, a flush every ${periodMs} ms\n`)
row('fault', 'changed island', 'announced again', 'stranded', 'kicked', 'longest gap', 'in periods')
row('---', '--:', '--:', '--:', '--:', '--:', '--:')
for (const fault of faults) show(await measureFault(services, fault))
const { effects, sentByFormer, receivedFromFormer } = await freezeActive(services)
show(effects)
console.log(
  `\nmessages of the former term after the takeover: ${sentByFormer}; players who received a forged one: ${receivedFromFormer}`,
)
