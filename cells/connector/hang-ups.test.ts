import { expect, test } from 'vitest'
import { createWallet, type Wallet } from '../../testing/player/wallet.ts'
import { ManualClock } from '../chassis/clock.ts'
import { aBus, aConnector, type TestBus, until } from './fixtures.ts'

/** Connects players, and then makes the connector so busy that each turn of the event loop has time for the end of one connection only. */
async function aBusyConnector(wallets: readonly Wallet[]) {
  const clock = new ManualClock()
  const bus = aBus()
  const connector = await aConnector({}, { clock, bus })
  const players = await Promise.all(wallets.map((wallet) => connector.join({ wallet })))
  const { monotonic } = clock
  let calls = 0
  clock.monotonic = () => monotonic() + 5 * ++calls
  return { connector, players, publishedPerTurn: publishedPerTurn(bus) }
}

/** How many messages are published in each turn of the event loop from now on, those without any left out. */
function publishedPerTurn(bus: TestBus): readonly number[] {
  const { publish } = bus
  const turns: number[] = []
  let isNew = true
  bus.publish = (subject, payload) => {
    if (isNew) setImmediate(() => (isNew = true))
    turns.push(isNew ? 1 : (turns.pop() ?? 0) + 1)
    isNew = false
    publish(subject, payload)
  }
  return turns
}

const wallets = Array.from({ length: 20 }, (_, i) => createWallet(`hangs up ${i}`))

test('of many players who hang up at once each turn of the event loop ends a few sessions, until all are ended', async () => {
  const { connector, players, publishedPerTurn } = await aBusyConnector(wallets)
  for (const { socket } of players) socket.terminate()
  await until(async () => expect(await connector.metric('connections')).toBe(0))
  await connector.bus.flush()
  for (const { peer } of players) expect(connector.topicsOf(peer)).toEqual(['connect', 'disconnect'])
  expect(Math.max(...publishedPerTurn)).toBeLessThanOrEqual(3)
  expect(await connector.metric('sessions_ended_total{ending="lost"}')).toBe(20)
  expect(await connector.metric('players')).toBe(0)
})

test('a connector that stops meanwhile publishes the end of each session as well', async () => {
  const { connector, players } = await aBusyConnector(wallets)
  for (const { socket } of players) socket.terminate()
  await until(async () => expect(await connector.metric('players')).toBeLessThan(20))
  await connector.service.stop()
  for (const { peer } of players) expect(connector.topicsOf(peer)).toEqual(['connect', 'disconnect'])
})

test('a player who is back before the end of the old connection was looked at keeps the new one', async () => {
  const { connector, players } = await aBusyConnector(wallets)
  const [wallet = createWallet()] = wallets.slice(-1)
  for (const { socket } of players) socket.terminate()
  const newer = await connector.join({ wallet })
  await until(async () => expect(await connector.metric('connections')).toBe(1))
  newer.heartbeat({ x: 8, y: 0, z: 8 })
  await until(() => expect(connector.topicsOf(wallet.peer).at(-1)).toBe('heartbeat'))
  expect(await connector.metric('players')).toBe(1)
})
