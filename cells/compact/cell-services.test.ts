import { expect, onTestFinished, test, vi } from 'vitest'
import { connectPlayer, type Player } from '../../testing/player/player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { systemClock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startCellServices } from './cell-services.ts'

const DEADLINE = { timeout: 10_000 }
const settings = (islandSize: number) => ({
  connector: { DRAIN_SECONDS: '0' },
  archipelago: {
    NATS_URL: 'nats://127.0.0.1',
    ROOMS_URL: 'ws://127.0.0.1/rooms',
    ARCHIPELAGO_FLUSH_FREQUENCY: '0.2',
    LIVEKIT_ISLAND_SIZE: String(islandSize),
  },
})

/** The services of a cell, with players ten metres apart in a row who send heartbeats. */
async function servicesWithPlayers(count: number) {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const services = await startCellServices(settings(100), {
    bus: createMemoryBus(silentLog),
    log: silentLog,
    clock: systemClock,
    verifier,
  })
  const http = await listen(services.app, { host: '127.0.0.1', port: 0 })
  const url = `${http.url.replace('http', 'ws')}/ws`
  const players = await Promise.all(Array.from({ length: count }, () => connectPlayer({ url, wallet: createWallet() })))
  const sendHeartbeats = () => {
    for (const [i, player] of players.entries()) player.heartbeat({ x: 10 * i, y: 0, z: 0 })
  }
  sendHeartbeats()
  const heartbeats = setInterval(sendHeartbeats, 200)
  onTestFinished(async () => {
    clearInterval(heartbeats)
    await services.stop()
    await http.stop()
    await verifier.close()
  })
  await vi.waitFor(() => expect(players.filter(({ island }) => island)).toHaveLength(count), DEADLINE)
  return { services, players, url: http.url }
}

const roomsOf = (players: readonly Player[]) => players.map(({ island }) => island?.islandId)

test('another island size moves only the players it has to', async () => {
  const { services, players } = await servicesWithPlayers(6)
  const before = roomsOf(players)
  expect(new Set(before).size).toBe(1)

  expect(await services.reconfigure(settings(50))).toBe(true)
  await vi.waitFor(() => expect(services.readiness()).toEqual({ ready: true }), DEADLINE)
  expect(await services.reconfigure(settings(4))).toBe(true)
  await vi.waitFor(() => expect(roomsOf(players).filter((room) => room !== before[0])).toHaveLength(2), DEADLINE)
  // Four stayed and received nothing; the others received one island change.
  expect(players.map(({ islands }) => islands.length).sort()).toEqual([1, 1, 1, 1, 2, 2])
  expect(players.some(({ kicked }) => kicked)).toBe(false)
})

test('serves the debug page of its current archipelago', async () => {
  const { services, url } = await servicesWithPlayers(1)
  const snapshot = async () => (await (await fetch(`${url}/debug`)).json()) as { rules: { islandSize: number } }
  expect(await snapshot()).toMatchObject({ role: 'active', peers: { known: 1 }, rules: { islandSize: 100 } })
  expect(await services.reconfigure(settings(50))).toBe(true)
  expect(await snapshot()).toMatchObject({ rules: { islandSize: 50 } })
})

test('invalid settings change nothing', async () => {
  const { services, players } = await servicesWithPlayers(2)
  await expect(services.reconfigure({ ...settings(100), archipelago: { ROOMS_URL: 'invalid' } })).rejects.toThrow(UserError)
  expect(await services.reconfigure({ ...settings(100), connector: { DRAIN_SECONDS: '0', MAX_CONNECTIONS: '1' } })).toBe(false)
  expect(services.readiness()).toEqual({ ready: true })
  expect(players.map(({ islands }) => islands.length)).toEqual([1, 1])
})
