import { afterAll, beforeAll, expect, test } from 'vitest'
import { faults, freezeActive, measureFault } from '../testing/continuity/faults.ts'
import { ServiceSet } from '../testing/continuity/service-set.ts'
import { withPart } from '../testing/parts/with-part.ts'

const MINUTES = 60_000
const isFull = process.env.REALM_FULL === '1'
const PLAYERS = isFull ? 5_000 : 240
const PERIOD_MS = 1_000
/** The documentation promises three periods. A busy machine may need more; a broken takeover never ends, however long the limit. */
const GENEROUS_GAP_MS = 10 * PERIOD_MS

withPart('nats', 'connectors and archipelagos as real processes', (binary) => {
  let services: ServiceSet
  beforeAll(async () => {
    services = await ServiceSet.start(binary, { players: PLAYERS, periodMs: PERIOD_MS })
  }, 20 * MINUTES)
  afterAll(() => services?.[Symbol.asyncDispose](), MINUTES)

  const unaffected = { players: PLAYERS, moved: 0, stranded: 0, kicked: 0 }

  test.each(faults)('$name: no player changes island, is stranded or is kicked', { timeout: 5 * MINUTES }, async (fault) => {
    const effects = await measureFault(services, fault)
    expect(effects).toMatchObject(unaffected)
    expect(effects.gapMs).toBeLessThan(GENEROUS_GAP_MS)
  })

  test('no player receives messages of a frozen archipelago after the standby took over', {
    timeout: 5 * MINUTES,
  }, async () => {
    const { effects, sentByFormer, receivedFromFormer } = await freezeActive(services)
    expect({ ...effects, sentByFormer, receivedFromFormer }).toMatchObject({
      ...unaffected,
      sentByFormer: 0,
      receivedFromFormer: 0,
    })
  })
})
