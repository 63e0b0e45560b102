import { refuseArguments, scriptArguments } from '../script-arguments.ts'
import { type FuzzProgress, fuzz } from './fuzz.ts'
import { startFuzzedServices } from './services.ts'
import { allTargets } from './targets/all.ts'

// npm run fuzz -- [TARGET…] [--minutes N] [--seed S]: sends hostile inputs to each target for an equal share of the time.

const options = { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } as const
const usage = `npm run fuzz -- [TARGET…] [--minutes N] [--seed S]\ntargets: ${allTargets.map(({ name }) => name).join(' ')}`
const { values, positionals: names } = scriptArguments(options, usage)
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const chosen = names.length === 0 ? allTargets : allTargets.filter(({ name }) => names.includes(name))
const unknown = names.filter((name) => !allTargets.some((target) => target.name === name))
if (unknown.length > 0) refuseArguments(`there is no target ${unknown.join(', ')}`, usage)
if (!(minutes > 0) || !Number.isInteger(seed)) refuseArguments('minutes are above 0, and a seed is a whole number', usage)

const BATCH = 100
const REPORT_MS = 10_000
const share = (minutes * 60_000) / chosen.length

const show = ({ target, inputs, slowestMs, heldMb }: FuzzProgress) =>
  console.log(`${target}: ${inputs} inputs, slowest ${slowestMs.toFixed(0)} ms, ${heldMb.toFixed(0)} MB`)

console.log(`seed ${seed}: ${chosen.length} targets, ${(share / 60_000).toFixed(1)} minutes each`)
const services = await startFuzzedServices()
let failed = 0
for (const target of chosen) {
  const startedAt = performance.now()
  let reportedAt = startedAt
  const done = () => (performance.now() - startedAt) / share
  const onBatch = (progress: FuzzProgress) => {
    if (performance.now() - reportedAt < REPORT_MS) return
    reportedAt = performance.now()
    show(progress)
  }
  try {
    show(await fuzz(target, services, { seed, done, batch: BATCH, onBatch }))
  } catch (error) {
    failed++
    console.error(`FAILED ${error instanceof Error ? error.message : String(error)}`)
  }
}
await services.stop()
console.log(failed > 0 ? `${failed} of ${chosen.length} targets failed` : 'nothing failed')
process.exit(failed > 0 ? 1 : 0)
