import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { connectPlayer } from '../../testing/player/player.ts'
import { connectRelayPlayer } from '../../testing/player/relay-player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { systemClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { realmToken } from '../identity/realm-token.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startPulse } from '../pulse/service.ts'
import { startStats } from '../stats/service.ts'
import { startCellServices } from './cell-services.ts'

const SOON = { timeout: 20_000, interval: 50 }
const KEY = 'a-key-of-this-site'

/** A cell, its statistics and a relay over HTTP, as in a cluster. */
async function aRealm() {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const shared = { log: silentLog, clock: systemClock, verifier }
  const pulse = await startPulse(
    { port: 0, address: '127.0.0.1', tokenKeys: () => [KEY], visiblePlayers: 'WithSession' },
    { ...shared, metrics: new Metrics('pulse') },
  )
  const relayHttp = await listen(pulse.app, { host: '127.0.0.1', port: 0 })
  const tokenFile = join(freshFolder(), 'token')
  await writeFile(tokenFile, realmToken(KEY, 'main'))
  const bus = createMemoryBus(silentLog)
  const cell = await startCellServices(
    {
      connector: { DRAIN_SECONDS: '0', MOVEMENT_URL: `${relayHttp.url}/realms/Main`, MOVEMENT_TOKEN_FILE: tokenFile },
      archipelago: {
        NATS_URL: 'nats://127.0.0.1',
        ROOMS_URL: 'ws://127.0.0.1/rooms',
        ARCHIPELAGO_FLUSH_FREQUENCY: '0.2',
      },
    },
    { ...shared, bus },
  )
  const stats = await startStats(
    { BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '' },
    { ...shared, bus, metrics: new Metrics('stats') },
  )
  const [http, statsHttp] = await Promise.all([cell.app, stats.app].map((app) => listen(app, { host: '127.0.0.1', port: 0 })))
  let isRelayUp = true
  const stopRelay = async () => {
    if (!isRelayUp) return
    isRelayUp = false
    await Promise.all([pulse.stop(), relayHttp.stop()])
  }
  onTestFinished(async () => {
    await Promise.all([stopRelay(), cell.stop(), stats.stop()])
    await Promise.all([http?.stop(), statsHttp?.stop(), verifier.close()])
  })
  return {
    pulse,
    stopRelay,
    join: (wallet = createWallet()) => connectPlayer({ url: `${http?.url.replace('http', 'ws')}/ws`, wallet }),
    parcelOf: async (peer: string) => {
      const { peer: found } = (await (await fetch(`${statsHttp?.url}/peers/${peer}`)).json()) as {
        peer: { parcel: number[] } | null
      }
      return found?.parcel
    },
  }
}

test('a player whose client sends no heartbeats is in the island of the place to which it moves over the relay', {
  timeout: 90_000,
}, async () => {
  const { pulse, stopRelay, join, parcelOf } = await aRealm()
  const wallet = createWallet('silent')
  const [silent, near, far] = [await join(wallet), await join(), await join()]
  const heartbeats = setInterval(() => {
    near.heartbeat({ x: 8, y: 0, z: 8 })
    far.heartbeat({ x: 1_608, y: 0, z: 8 })
  }, 500)
  onTestFinished(() => clearInterval(heartbeats))
  const mover = await connectRelayPlayer(pulse.port, wallet)
  onTestFinished(() => mover.stop())

  mover.goTo('Main', 0, 0)
  await vi.waitFor(() => expect(silent.island?.islandId).toBe(near.island?.islandId ?? 'an island'), SOON)
  expect(await parcelOf(wallet.peer)).toEqual([0, 0])

  mover.goTo('Main', 100, 0)
  await vi.waitFor(() => expect(silent.island?.islandId).toBe(far.island?.islandId), SOON)
  expect(far.island?.islandId).not.toBe(near.island?.islandId)
  expect(await parcelOf(wallet.peer)).toEqual([100, 0])

  const islands = silent.islands.length
  await stopRelay()
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect([silent.islands.length, await parcelOf(wallet.peer)]).toEqual([islands, [100, 0]])
})
