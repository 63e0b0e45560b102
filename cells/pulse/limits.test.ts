import { afterAll, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { silentLog } from '../chassis/log.ts'
import { createVerifier } from '../identity/verifier.ts'
import { encodeRequest } from './core/messages/fixtures.ts'
import { aPulse, handshakeOf } from './fixtures.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

const [ANNA, BEN] = [createWallet('anna'), createWallet('ben')]

async function twoPlayers() {
  const pulse = aPulse({ verifier })
  const [anna, ben] = [pulse.connect(), pulse.connect()]
  await anna.signIn(handshakeOf(ANNA))
  await ben.signIn(handshakeOf(BEN))
  for (const client of [anna, ben]) client.teleport('main', 48_490)
  pulse.run(1_000)
  return { pulse, anna, ben }
}
const input = (positionX: number) => ({ input: { state: { parcelIndex: 48_490, positionX, stateFlags: 1 } } })

test('players see each other move over the network', async () => {
  const { pulse, anna, ben } = await twoPlayers()
  ben.send(input(100), 1)
  pulse.run(200)
  expect(anna.model.of(BEN.peer)?.state).toMatchObject({ positionX: 100, parcelIndex: 48_490 })
})

test('over a slow network that loses a tenth, both end with what is there', async () => {
  const { pulse, anna, ben } = await twoPlayers()
  pulse.network.weather = { loss: 0.1, duplicates: 0.05, minMs: 80, maxMs: 220 }
  for (let i = 0; i < 100; i++) {
    ben.send(input(i), 1)
    pulse.run(100)
  }
  pulse.network.weather = { loss: 0, duplicates: 0, minMs: 20, maxMs: 20 }
  ben.send(input(200), 1)
  pulse.run(3_000)
  ben.send(input(201), 1)
  pulse.run(3_000)
  expect(anna.model.of(BEN.peer)?.state.positionX).toBe(201)
  expect([anna.happened, ben.happened]).toEqual([['connect'], ['connect']])
})

test('a burst over the rate is dropped, and only ten seconds of it end the session', async () => {
  const { pulse, ben } = await twoPlayers()
  for (let i = 0; i < 60; i++) ben.send(input(i), 1)
  pulse.run(1_000)
  expect(ben.happened).toEqual(['connect'])
  expect(await pulse.metric('messages_dropped_total')).toContainEqual(expect.stringContaining('inputRate'))
  for (let i = 0; i < 12 * 50 && ben.happened.length === 1; i++) {
    ben.send(input(i % 250), 1)
    ben.send(input((i + 1) % 250), 1)
    pulse.run(20)
  }
  expect(ben.happened.at(-1)).toBe('left 9')
})

test('a few messages that no client sends are dropped; more of them end the session with the reason', async () => {
  const { pulse, ben } = await twoPlayers()
  const wrong = { input: { state: { parcelIndex: 1, positionX: 256 } } }
  for (let i = 0; i < 5; i++) ben.send(wrong, 1)
  pulse.run(500)
  expect(ben.happened).toEqual(['connect'])
  ben.send(wrong, 1)
  pulse.run(500)
  expect(ben.happened.at(-1)).toBe('left 11')
})

test('bytes that are no message, or too many for one, end the session after a few', async () => {
  const { pulse, anna, ben } = await twoPlayers()
  for (let i = 0; i < 6; i++) {
    ben.peer.sendReliable(0, Uint8Array.of(0x0a, 0xff))
    anna.peer.sendReliable(0, Buffer.concat([encodeRequest({ emoteStop: {} }), new Uint8Array(4_096)]))
    pulse.run(100)
  }
  pulse.run(1_000)
  expect([anna.happened.at(-1), ben.happened.at(-1)]).toEqual(['left 16', 'left 16'])
})

test('at the end of the relay clients are sent away to come back', async () => {
  const { pulse, anna, ben } = await twoPlayers()
  pulse.server.endAll()
  pulse.run(300)
  expect([anna.happened.at(-1), ben.happened.at(-1)]).toEqual(['left 1', 'left 1'])
})
