import { expect, test } from 'vitest'
import { ManualClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { aWebServer, until } from '../fixtures.ts'
import { httpDenyList } from './deny-list.ts'

const ANNA = '0x00000000000000000000000000000000000000aa'
const listing = (...wallets: unknown[]) => ({ json: { users: wallets.map((wallet) => ({ wallet })) } })
const FIVE_MINUTES_AND_A_FIFTH = 6 * 60_000

test('the last good list is kept while there is none, and asked for again soon', async () => {
  const clock = new ManualClock()
  let asked = 0
  let answer: { status?: number; json: unknown } = listing(ANNA.toUpperCase().replace('0X', '0x'))
  const url = await aWebServer(() => {
    asked++
    return answer
  })
  const denyList = httpDenyList(url, { clock, log: silentLog })
  expect(denyList.has(ANNA)).toBe(false)
  await until(() => expect(denyList.has(ANNA)).toBe(true))

  for (const bad of [{ status: 500, json: {} }, { json: null }, { json: { users: 'all' } }]) {
    answer = bad
    const before = asked
    await until(() => {
      clock.advance(FIVE_MINUTES_AND_A_FIFTH)
      expect(asked).toBeGreaterThan(before)
    })
    expect(denyList.has(ANNA)).toBe(true)
  }

  answer = listing()
  await until(() => {
    clock.advance(40_000)
    expect(denyList.size).toBe(0)
  })
  await denyList.stop()
})

test('a list without users is empty', async () => {
  const clock = new ManualClock()
  let answer: { json: unknown } = listing(ANNA)
  const denyList = httpDenyList(await aWebServer(() => answer), { clock, log: silentLog })
  await until(() => expect(denyList.size).toBe(1))
  answer = { json: {} }
  await until(() => {
    clock.advance(FIVE_MINUTES_AND_A_FIFTH)
    expect(denyList.size).toBe(0)
  })
  await denyList.stop()
})
