import { afterAll, expect, test, vi } from 'vitest'
import { connectMovingPlayer } from '../../testing/player/moving-player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { systemClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startPulse } from './service.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

const startRelay = (port = 0, inBatches = false) =>
  startPulse(
    { port, inBatches, address: '127.0.0.1' },
    { log: silentLog, clock: systemClock, verifier, metrics: new Metrics('pulse') },
  )

const aPlayer = (port: number, seed: string) =>
  connectMovingPlayer({ host: '127.0.0.1', port }, { wallet: createWallet(seed), realm: 'main' })

const SOON = { timeout: 20_000, interval: 20 }

test.each([false, process.platform === 'linux'])(
  'two players over real sockets, in batches: %s, see each other move, and are sent away to come back at the end',
  {
    timeout: 60_000,
  },
  async (inBatches) => {
    const relay = await startRelay(0, inBatches)
    const [anna, ben] = [await aPlayer(relay.port, 'anna'), await aPlayer(relay.port, 'ben')]
    await vi.waitFor(() => {
      for (const { happened } of [anna, ben]) expect(happened).toContain('playerJoined')
    }, SOON)
    await vi.waitFor(() => {
      ben.walk(anna.happened.length % 250)
      expect(anna.happened).toContain('playerStateDelta')
    }, SOON)
    const http = await listen(relay.app, { host: '127.0.0.1', port: 0 })
    expect((await fetch(`${http.url}/health/ready`)).status).toBe(200)
    const metrics = await (await fetch(`${http.url}/metrics`)).text()
    expect(metrics).toMatch(/^realm_pulse_players 2$/m)
    expect(metrics).toMatch(new RegExp(`^realm_pulse_datagrams_in_batches ${inBatches ? 1 : 0}$`, 'm'))
    await relay.stop()
    await vi.waitFor(() => expect([anna.happened.at(-1), ben.happened.at(-1)]).toEqual(['ended 1', 'ended 1']), SOON)
    await Promise.all([anna, ben, http].map((part) => part.stop()))
  },
)

test('a port that is taken is an error at the start', async () => {
  const relay = await startRelay()
  await expect(startRelay(relay.port)).rejects.toThrow(/EADDRINUSE/)
  await relay.stop()
})
