import { afterAll, beforeAll, expect, test } from 'vitest'
import { City } from '../testing/continuity/service-set.ts'
import { faults, freeze, suffer } from '../testing/continuity/faults.ts'
import { withPart } from '../testing/parts/with-part.ts'

const MINUTES = 60_000
const isFull = process.env.REALM_FULL === '1'
const PLAYERS = isFull ? 5_000 : 240
const PERIOD_MS = 1_000
/** Three periods are promised; a machine that is busy with other things may need more, and a broken takeover never ends. */
const GENEROUS_GAP_MS = 10 * PERIOD_MS

withPart('nats', 'a city of real processes', (binary) => {
  let city: City
  beforeAll(async () => {
    city = await City.build(binary, { players: PLAYERS, periodMs: PERIOD_MS })
  }, 20 * MINUTES)
  afterAll(() => city?.[Symbol.asyncDispose](), MINUTES)

  const unharmed = { players: PLAYERS, moved: 0, stranded: 0, kicked: 0 }

  test.each(faults)(
    '$name: nobody changes island, nobody is stranded, nobody is kicked',
    { timeout: 5 * MINUTES },
    async (fault) => {
      const harm = await suffer(city, fault)
      expect(harm).toMatchObject(unharmed)
      expect(harm.gapMs).toBeLessThan(GENEROUS_GAP_MS)
    },
  )

  test('of an active archipelago that was frozen and of the one that took over, nobody hears both', {
    timeout: 5 * MINUTES,
  }, async () => {
    const { harm, saidByTheOld, heardTheOld } = await freeze(city)
    expect({ ...harm, saidByTheOld, heardTheOld }).toMatchObject({ ...unharmed, saidByTheOld: 0, heardTheOld: 0 })
  })
})
