import { expect, test } from 'vitest'
import { OutgoingLimit } from './outgoing-limit.ts'

const MEBIBYTE = 1024 * 1024

/** A limit whose broker confirms when the test says so. */
function aLimit() {
  const requests: (() => void)[] = []
  let [now, relieved] = [0, 0]
  const limit = new OutgoingLimit(
    () => new Promise((resolve) => requests.push(resolve)),
    () => relieved++,
    () => now,
  )
  const send = (mebibytes: number) => Array.from({ length: mebibytes }, () => limit.admits(MEBIBYTE)).filter(Boolean).length
  const confirm = async () => {
    requests.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { limit, send, confirm, requests, pass: (ms: number) => (now += ms), relieved: () => relieved }
}

test('a broker that reads gets everything, and is asked for a confirmation at intervals', async () => {
  const { send, confirm, requests } = aLimit()
  for (let round = 0; round < 100; round++) {
    expect(send(5)).toBe(5)
    expect(requests).toHaveLength(1)
    await confirm()
  }
})

test('a broker that does not read for a second gets no more than 8 MiB, and a burst no more than 64 MiB', () => {
  const slow = aLimit()
  expect(slow.send(5)).toBe(5)
  slow.pass(1_001)
  expect(slow.send(100)).toBe(3)
  expect(aLimit().send(100)).toBe(64)
})

test('once it reads again messages are accepted again, which is reported once', async () => {
  const { limit, send, confirm, pass, relieved } = aLimit()
  send(5)
  pass(1_001)
  send(5)
  expect(limit.isExceeded).toBe(true)
  await confirm()
  expect([limit.isExceeded, relieved()]).toEqual([false, 1])
  expect(send(1)).toBe(1)
  await confirm()
  expect(relieved()).toBe(1)
})

test('a confirmation of the previous connection does not count for the current one', async () => {
  const { limit, send, confirm, pass, relieved } = aLimit()
  send(5)
  limit.reset()
  send(5)
  pass(1_001)
  send(5)
  await confirm()
  expect([limit.isExceeded, relieved()]).toEqual([true, 0])
})
