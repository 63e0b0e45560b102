import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { withPart } from '../../testing/parts/with-part.ts'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts'
import { systemClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { openPostgres } from './adapters/postgres.ts'
import { aConfig, aVerifier } from './fixtures.ts'
import { startGatekeeper } from './service.ts'

vi.setConfig({ testTimeout: 60_000 })

withPart('postgres', 'an outage of PostgreSQL', (part) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(part)
  })
  afterAll(() => server.stop())

  test('does not lift a ban that is known, and is over when the database is back', async () => {
    const url = await server.database()
    const metrics = new Metrics('gatekeeper')
    const service = await startGatekeeper(aConfig({ DATABASE_URL: url }), {
      ...{ log: silentLog, clock: systemClock, verifier: aVerifier(), metrics },
    })
    const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
    onTestFinished(async () => {
      await http.stop()
      await service.stop()
    })
    const [ana, ben] = [createWallet('ana'), createWallet('ben')]
    const statusFor = async (wallet: typeof ana) =>
      (
        await signedFetch(`${http.url}/get-scene-adapter`, {
          wallet,
          method: 'POST',
          metadata: { realmName: 'main', sceneId: 'bafk' },
        })
      ).status
    expect(await statusFor(ana)).toBe(200)

    const ban = async (wallet: typeof ana) => {
      const database = await openPostgres({ url, clock: systemClock, log: silentLog })
      await database.query("INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, 'mod', 'spam')", [
        wallet.address,
      ])
      await database.stop()
      await vi.waitFor(async () => expect(await statusFor(wallet)).toBe(403), { timeout: 20_000, interval: 500 })
    }
    await ban(ana)

    await server.kill()
    await vi.waitFor(async () => expect(await metrics.registry.metrics()).toMatch(/ban_reads_failed_total [1-9]/), {
      timeout: 20_000,
      interval: 200,
    })
    for (let n = 0; n < 5; n++) expect(await statusFor(ana)).toBe(403)
    expect(await statusFor(ben)).toBe(200)

    await server.restart()
    await ban(ben)
    expect(service.readiness()).toEqual({ ready: true })
  })
})
