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

  test('in the middle of requests is answered 503 with Retry-After, and no decision that was acknowledged is lost', async () => {
    const url = await server.database()
    const token = 'moderators-token-0123'
    const service = await startGatekeeper(aConfig({ DATABASE_URL: url, MODERATOR_TOKEN: token }), {
      ...{ log: silentLog, clock: systemClock, verifier: aVerifier(), metrics: new Metrics('gatekeeper') },
    })
    const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
    onTestFinished(async () => {
      await http.stop()
      await service.stop()
    })
    const [acknowledged, statuses, entries] = [new Set<string>(), new Set<string>(), new Set<number>()]
    let [sent, isOver] = [0, false]
    const ban = async () => {
      const wallet = `0x${(++sent).toString(16).padStart(40, '0')}`
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${http.url}/users/${wallet}/bans?moderator=ruth`, {
        method: 'POST',
        headers,
        body: '{"reason":"spam"}',
      })
      statuses.add(answer.status === 503 && answer.headers.has('retry-after') ? '503 with Retry-After' : String(answer.status))
      if (answer.status === 201) acknowledged.add(wallet)
    }
    const enter = async (n: number) => {
      const metadata = { realmName: 'main', sceneId: 'bafk' }
      const request = { wallet: createWallet(`visitor ${n}`), method: 'POST', metadata } as const
      entries.add((await signedFetch(`${http.url}/get-scene-adapter`, request)).status)
    }
    const load = Array.from({ length: 4 }, async (_, n) => {
      for (let turn = 0; !isOver; turn++) {
        await ban()
        if (turn % 10 === 0) await enter(100 * n + (turn % 50))
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })
    const soon = { timeout: 30_000, interval: 50 }
    await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(20), soon)
    await server.kill()
    await vi.waitFor(() => expect(statuses).toContain('503 with Retry-After'), soon)
    const before = acknowledged.size
    await server.restart()
    await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(before + 20), soon)
    isOver = true
    await Promise.all(load)

    expect([statuses, entries]).toEqual([new Set(['201', '503 with Retry-After']), new Set([200])])
    const database = await openPostgres({ url, clock: systemClock, log: silentLog })
    onTestFinished(() => database.stop())
    const kept = await database.query<{ wallet: string }>(
      `SELECT banned_address AS wallet FROM user_bans AS b
        WHERE EXISTS (SELECT 1 FROM moderation_decisions AS d WHERE d.target = b.banned_address AND d.result = 'done')`,
    )
    const wallets = new Set(kept.map(({ wallet }) => wallet))
    expect([...acknowledged].filter((wallet) => !wallets.has(wallet))).toEqual([])
  })
})
