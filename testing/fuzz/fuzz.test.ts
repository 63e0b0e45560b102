import { afterAll, beforeAll, expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { keptInputs } from './kept-inputs.ts'
import { type FuzzedServices, startFuzzedServices } from './services.ts'
import { allTargets } from './targets/all.ts'

/** Fixed, so that a failure of the suite can be repeated; `npm run fuzz` takes others. */
const SEED = 20_261_128
const BATCHES = 5

let services: FuzzedServices
beforeAll(async () => {
  services = await startFuzzedServices()
})
afterAll(() => services.stop())

test.each(allTargets)(
  'whatever is sent to $name, no service fails and honest players are served',
  async (target) => {
    const { inputsInSuite } = target
    const progress = await fuzz(target, services, {
      seed: SEED,
      done: (inputs) => inputs / inputsInSuite,
      batch: Math.ceil(inputsInSuite / BATCHES),
    })
    expect(progress.inputs).toBeGreaterThanOrEqual(inputsInSuite)
  },
  600_000,
)

test('every kept input belongs to a target', () => {
  const names = allTargets.map(({ name }) => name)
  expect(Object.keys(keptInputs).filter((name) => !names.includes(name))).toEqual([])
})
