import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { connectorPlayerCounter } from './connector-players.ts'

const answer = (body: unknown, status = 200): FetchResult => ({ ok: true, status, body })

test('each connector is asked at its address, and one without a valid answer is missing', async () => {
  const answers: Record<string, FetchResult> = {
    'http://10.0.0.1:8080/status': answer({ userCount: 12 }),
    'http://[fd00::2]:8080/status': answer({ userCount: 0 }),
    'http://10.0.0.3:8080/status': { ok: false, reason: 'refused' },
    'http://10.0.0.4:8080/status': answer({ userCount: -3 }),
    'http://10.0.0.5:8080/status': answer(null),
    'http://10.0.0.6:8080/status': answer({ userCount: 9 }, 503),
  }
  const countPlayers = connectorPlayerCounter({
    port: 8080,
    clock: new ManualClock(),
    fetch: async (url) => answers[url] ?? { ok: false, reason: `unexpected ${url}` },
  })
  const addresses = ['10.0.0.1', 'fd00::2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', undefined]
  const players = await countPlayers(addresses.map((address, index) => ({ name: `pod-${index}`, address })))
  expect(Object.fromEntries(players)).toEqual({ 'pod-0': 12, 'pod-1': 0 })
})

test('counting ends after three seconds, with the answers until then', async () => {
  const clock = new ManualClock()
  const asked: string[] = []
  const fetch = (url: string) => {
    asked.push(url)
    return url.includes('//a:') ? Promise.resolve(answer({ userCount: 5 })) : new Promise<FetchResult>(() => {})
  }
  const countPlayers = connectorPlayerCounter({ port: 1, clock, fetch })
  const many = Array.from({ length: 100 }, (_, index) => ({ name: `pod-${index}`, address: index === 0 ? 'a' : 'b' }))
  const counting = countPlayers(many)
  await new Promise(setImmediate)
  clock.advance(3_000)
  expect(Object.fromEntries(await counting)).toEqual({ 'pod-0': 5 })
  expect(asked).toHaveLength(33) // 32 at the same time, and one more after the first answer
})
