import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import { type Log, silentLog } from '../../chassis/log.ts'
import type { Database } from '../adapters/database.ts'
import { openPglite } from '../adapters/pglite.ts'
import { SqlStorage } from '../adapters/storage.ts'
import { aFakeLivekit } from '../livekit/livekit-api.fixtures.ts'
import { migrate } from '../migrations/migrate.ts'
import { aTown, owner, PARK, WORLD } from '../scenes/fixtures.ts'
import { sceneMetadataOf } from './fixtures.ts'
import { aFront, type Front } from './front.fixtures.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const PLAYERS = 6
const [villain, tenant, denied, player] = ['villain', 'tenant', 'denied', 'player'].map((name) => createWallet(name)) as [
  Wallet,
  Wallet,
  Wallet,
  Wallet,
]
const inPark = sceneMetadataOf(PARK, '10,10')
const inWorld = sceneMetadataOf('bafkstage', '0,0', WORLD)

/** An upstream, the request that needs it, and what that is answered while it works and while it does not. */
const upstreams = {
  CONTENT_URL: { request: 'the owner bans', answers: [204, 503], atTheDoor: [403, 503] },
  PLACES_API_URL: { request: 'the owner bans', answers: [204, 503], atTheDoor: [403, 503] },
  LAMBDAS_URL: { request: 'the owner bans', answers: [204, 503], atTheDoor: [403, 403] },
  LEASES_URL: { request: 'the tenant bans', answers: [204, 503], atTheDoor: [403, 403] },
  WORLD_CONTENT_URL: { request: 'the owner of a world bans', answers: [204, 503], atTheDoor: [403, 403] },
  SOCIAL_SERVICE_URL: { request: 'a player asks for private messages', answers: [200, 200], atTheDoor: [403, 403] },
  DENYLIST_URL: { request: 'a wallet on the deny list enters', answers: [401, 401], atTheDoor: [403, 403] },
  LIVEKIT_API_URL: { request: 'participants are asked for', answers: [200, 503], atTheDoor: [403, 403] },
} as const

/** The services that no other fixture has. */
async function otherServices(): Promise<string> {
  const server = createServer((request, response) => {
    const isDenyList = request.url?.startsWith('/denylist')
    response.end(JSON.stringify(isDenyList ? { users: [{ wallet: denied.peer }] } : { private_messages_privacy: 'all' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

let database: Database
beforeAll(async () => {
  database = await openPglite()
  await migrate(database, silentLog)
})
afterAll(() => database.stop())

test.for(Object.entries(upstreams) as [keyof typeof upstreams, (typeof upstreams)[keyof typeof upstreams]][])(
  'while %s is away, answers are the stated ones, and nothing is lost',
  async ([name, row], t) => {
    await database.query('TRUNCATE scene_bans, scene_admin, moderation_decisions')
    const storage = new SqlStorage({
      query: database.query,
      transaction: (work) => database.transaction(work),
      stop: async () => {},
    })
    const [livekit, others] = [await aFakeLivekit(), await otherServices()]
    const errors = vi.fn()
    const log = Object.assign(silentLog.child({}), { error: errors }) as Log
    const more = { SOCIAL_SERVICE_URL: others, DENYLIST_URL: `${others}/denylist.json`, ...livekit.config }
    let front = undefined as Front | undefined
    const town = await aTown(t, storage, { config: more, log }, async (config) => {
      const url = new URL(config[name] ?? '')
      front = await aFront(url.origin)
      return { ...config, [name]: front.url + url.pathname }
    })
    const { clock, url, ask, services } = town
    services.leases.push({ addresses: [tenant.address], plots: ['10,11'] })
    expect(await town.call(owner, 'POST', '/scene-bans', { banned_address: villain.address })).toEqual([204, undefined])
    let sent = 0
    const acknowledged = new Set<string>()
    const ban = async (by: Wallet, metadata: Record<string, unknown>) => {
      const wallet = `0x${(++sent).toString(16).padStart(40, '0')}`
      const request = {
        wallet: by,
        method: 'POST',
        metadata,
        body: { banned_address: wallet },
        timestamp: clock.now(),
        format: 'current',
      } as const
      const { status } = await signedFetch(`${url}/scene-bans`, request)
      if (status === 204) acknowledged.add(wallet)
      return status
    }
    const requests: Record<(typeof row)['request'], () => Promise<number>> = {
      'the owner bans': () => ban(owner, inPark),
      'the tenant bans': () => ban(tenant, inPark),
      'the owner of a world bans': () => ban(owner, inWorld),
      'a player asks for private messages': async () =>
        (
          await signedFetch(`${url}/private-messages/token`, {
            wallet: player,
            metadata: { signer: 'dcl:explorer' },
            timestamp: clock.now(),
          })
        ).status,
      'a wallet on the deny list enters': async () => (await ask(denied, { realmName: 'main', sceneId: PARK })).status,
      'participants are asked for': async () => (await fetch(`${url}/scene-participants?pointer=10,10`)).status,
    }
    const door = async (wallet: Wallet) => (await ask(wallet, { realmName: 'main', sceneId: PARK, parcel: '10,10' })).status

    /** Some players at once, when no answer from before is remembered any more; `meanwhile` happens when all are waiting. */
    const round = async (meanwhile?: () => Promise<void>) => {
      clock.advance(61_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const asked = Array.from({ length: PLAYERS }, () => requests[row.request]())
      const [banned, free] = [door(villain), door(player)]
      if (meanwhile) {
        await new Promise((resolve) => setTimeout(resolve, 150))
        clock.advance(1_000) // longer than a token waits for the metadata of a room
        expect(await free).toBe(200)
        await meanwhile()
      }
      return { answers: [...new Set(await Promise.all(asked))], door: await banned, free: await free }
    }
    const [works, away] = [0, 1].map((n) => ({ answers: [row.answers[n]], door: row.atTheDoor[n], free: 200 }))
    expect(await round()).toEqual(works)
    await front?.become('hanging')
    expect(await round(() => front?.become('ended') ?? Promise.resolve())).toEqual(away)
    expect(await round()).toEqual(away)
    await front?.become('up')
    await vi.waitFor(async () => expect(await round()).toEqual(works), { timeout: 30_000, interval: 10 })

    const kept = await database.query<{ wallet: string }>('SELECT banned_address AS wallet FROM scene_bans')
    const recorded = await database.query<{ wallet: string }>(
      "SELECT target AS wallet FROM moderation_decisions WHERE result = 'done'",
    )
    for (const rows of [kept, recorded])
      expect([...acknowledged].filter((wallet) => !rows.some((one) => one.wallet === wallet))).toEqual([])
    expect([acknowledged.size > 0, errors.mock.calls]).toEqual([row.request.includes('bans'), []])
  },
)
