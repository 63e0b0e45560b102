import { expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { aFakeVerifier } from '../identity/fixtures.ts'
import { aBus, aConnector, until } from './fixtures.ts'

/** A bus that fails at certain messages, as code with a bug would. */
function aFailingBus(isFatal: (subject: string) => boolean) {
  const bus = aBus()
  const publish: typeof bus.publish = (subject, payload) => {
    if (isFatal(subject)) throw new Error('a bug')
    bus.publish(subject, payload)
  }
  return Object.create(bus, { publish: { value: publish } }) as typeof bus
}

const BUGS = 'bugs_total{scope="connection"}'

test('an exception at a message of one client ends that client only', async () => {
  const [wallet, other] = [createWallet('fatal'), createWallet('other')]
  const connector = await aConnector({}, { bus: aFailingBus((subject) => subject.endsWith(`${wallet.peer}.heartbeat`)) })
  const [failing, healthy] = [await connector.join({ wallet }), await connector.join({ wallet: other })]
  failing.heartbeat({ x: 1, y: 0, z: 0 })
  expect(await failing.closed).toEqual({ code: 1011, reason: 'an unexpected error' })
  await until(() => expect(connector.topicsOf(wallet.peer)).toEqual(['connect', 'disconnect']))
  healthy.heartbeat({ x: 1, y: 0, z: 0 })
  await until(() => expect(connector.topicsOf(other.peer)).toEqual(['connect', 'heartbeat']))
  expect(await connector.metric('sessions_ended_total{ending="failed"}')).toBe(1)
  expect(await connector.metric(BUGS)).toBe(1)
})

test('an exception at a heartbeat that was held back ends its session, and the others are published', async () => {
  const [wallet, other] = [createWallet('fatal'), createWallet('other')]
  let heartbeats = 0
  const bus = aFailingBus((subject) => subject.endsWith(`${wallet.peer}.heartbeat`) && ++heartbeats > 20)
  const connector = await aConnector({}, { bus })
  const [failing, healthy] = [await connector.join({ wallet }), await connector.join({ wallet: other })]
  for (const player of [failing, healthy]) for (let x = 1; x <= 30; x++) player.heartbeat({ x, y: 0, z: 0 })
  await until(async () => expect(await connector.metric('heartbeats_total{outcome="coalesced"}')).toBe(20))
  connector.clock.advance(2_000)
  expect((await failing.closed).code).toBe(1011)
  await until(() => expect(connector.positionsOf(other.peer).at(-1)).toEqual({ x: 30, y: 0, z: 0 }))
})

test('an exception while a session is ended, or while it is announced, ends the connection', async () => {
  const wallet = createWallet('fatal')
  const connector = await aConnector({}, { bus: aFailingBus((subject) => subject.includes(`${wallet.peer}.`)) })
  await expect(connector.join({ wallet })).rejects.toThrow()
  await until(async () => expect(await connector.metric('connections')).toBe(0))
  expect(await connector.metric('players')).toBe(0)
  await connector.join()
})

test('a verifier that fails ends the handshake of its client', async () => {
  const verifier = aFakeVerifier(() => Promise.reject(new Error('a bug')))
  const connector = await aConnector({}, { verifier })
  await expect(connector.join()).rejects.toThrow(/1011/)
  expect(await connector.metric(BUGS)).toBe(1)
})

test('a signature that a busy verifier did not check is no bad signature: the client may try again', async () => {
  const verifier = aFakeVerifier(async () => ({ ok: false, reason: 'too many signatures are waiting', undecided: true }))
  const connector = await aConnector({}, { verifier })
  await expect(connector.join()).rejects.toThrow(/1013 try again later/)
  expect(await connector.metric('handshakes_total{outcome="busy"}')).toBe(1)
})
