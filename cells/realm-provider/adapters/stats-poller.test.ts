import { describe, expect, test } from 'vitest'
import { anEndpoint, aProvider, aRealm, aService } from '../fixtures.ts'

describe('the stats of realms', () => {
  const timing = { stats: { periodMs: 30, timeoutMs: 200 } }

  test('give the number of players, polled in the background, and the last number is kept when they fail', async (t) => {
    const stats = await aService(t, {
      '/stats/core-status': { healthy: true, userCount: 7 },
      '/stats/cells': {
        ok: true,
        cells: [
          { slot: 0, healthy: true, userCount: 5 },
          { slot: 1, healthy: true, userCount: 2 },
        ],
      },
    })
    const { source, json } = await aProvider(t, { realTime: true, timing })
    source.set(aRealm({ statsUrl: `${stats.url}/stats`, endpoints: [anEndpoint(0), anEndpoint(1)] }))
    source.set(aRealm({ name: 'dead', statsUrl: 'http://127.0.0.1:1/stats' }))
    await expect.poll(() => json('/main/about')).toMatchObject({ comms: { usersCount: 7, adapter: anEndpoint(1).adapter } })
    expect(await json('/realms')).toMatchObject([{ usersCount: 0 }, { usersCount: 7 }])
    stats.state.answers['/stats/core-status'] = { userCount: 'many' }
    const asked = stats.state.asked.length
    await expect.poll(() => stats.state.asked.length).toBeGreaterThan(asked + 6)
    await stats.die()
    expect(await json('/main/about')).toMatchObject({ comms: { usersCount: 7 } })
  })

  test('are queried inside a cluster at the Service that a template names', async (t) => {
    const stats = await aService(t, { '/realms/main/core-status': { healthy: true, userCount: 4 } })
    const config = { STATS_URL: `${stats.url}/{namespace}/{name}` }
    const { source, json } = await aProvider(t, { realTime: true, timing, config })
    source.set(aRealm({ statsUrl: 'http://127.0.0.1:1' }))
    await expect.poll(() => json('/main/about')).toMatchObject({ comms: { usersCount: 4 } })
  })

  test('give the hot scenes, summed over realms, from a cache that no request fills', async (t) => {
    const scene = {
      id: 'plaza',
      name: 'Plaza',
      baseCoords: [0, 0],
      usersTotalCount: 3,
      parcels: [[0, 0]],
      thumbnail: 'http://t',
      creator: 'x',
    }
    // The content server of this one did not answer.
    const { name: _, thumbnail: __, creator: ___, ...nameless } = scene
    const one = await aService(t, { '/core-status': { userCount: 3 }, '/hot-scenes': [nameless, { id: 'bad' }, null] })
    const two = await aService(t, {
      '/core-status': { userCount: 9 },
      '/hot-scenes': [
        { id: 'cafe', baseCoords: [5, 5], usersTotalCount: 5, parcels: [[5, 5]] },
        { ...scene, usersTotalCount: 4 },
      ],
    })
    const { source, json, url } = await aProvider(t, { realTime: true, timing })
    source.set(aRealm({ name: 'one', statsUrl: one.url }))
    source.set(aRealm({ name: 'two', statsUrl: two.url }))
    const hot = [
      {
        id: 'plaza',
        name: 'Plaza',
        baseCoords: [0, 0],
        usersTotalCount: 7,
        realms: [
          { serverName: 'one', usersCount: 3, url: `${url}/one` },
          { serverName: 'two', usersCount: 4, url: `${url}/two` },
        ],
        parcels: [[0, 0]],
        thumbnail: 'http://t',
        creator: 'x',
      },
      {
        id: 'cafe',
        baseCoords: [5, 5],
        usersTotalCount: 5,
        realms: [{ serverName: 'two', usersCount: 5, url: `${url}/two` }],
        parcels: [[5, 5]],
      },
    ]
    await expect.poll(() => json('/hot-scenes')).toEqual(hot)
    await Promise.all([one.die(), two.die()])
    expect(await json('/hot-scenes')).toEqual(hot)
  })
})

describe('stats services that answer more than they should', () => {
  const timing = { stats: { periodMs: 30, timeoutMs: 5_000 } }
  const scenes = (count: number, parcels: number) =>
    Array.from({ length: count }, (_, n) => ({
      id: `scene ${n}`,
      baseCoords: [n, 0],
      usersTotalCount: count - n,
      parcels: Array.from({ length: parcels }, (_, x) => [x, n]),
    }))
  const sceneList = async (json: (path: string) => Promise<unknown>) => (await json('/hot-scenes')) as { parcels: unknown[] }[]

  test('twenty realms whose stats answer 4 MB each cost a bounded part of the heap, and about is answered', async (t) => {
    const huge = scenes(100, 4_000)
    expect(JSON.stringify(huge).length).toBeGreaterThan(3_800_000)
    const stats = await aService(t, { '/core-status': { userCount: 1 }, '/hot-scenes': huge })
    const { source, get, json } = await aProvider(t, { realTime: true, timing })
    const heapBefore = process.memoryUsage().heapUsed
    for (let n = 0; n < 20; n++) source.set(aRealm({ name: n === 0 ? 'main' : `realm-${n}`, statsUrl: stats.url }))
    await expect.poll(() => json('/main/about'), { timeout: 20_000 }).toMatchObject({ comms: { usersCount: 1 } })
    await expect.poll(() => stats.state.asked.length, { timeout: 20_000 }).toBeGreaterThan(80)
    expect((await get('/main/about')).status).toBe(200)
    expect(await sceneList(json)).toEqual([])
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(150 * 1024 * 1024)
  }, 60_000)

  test('at most 64 scenes of 64 parcels are kept of a realm, and the realms of a namespace share 512 scenes', async (t) => {
    const stats = await aService(t, { '/core-status': { userCount: 1 }, '/hot-scenes': scenes(100, 100) })
    const { source, json } = await aProvider(t, { realTime: true, timing })
    source.set(aRealm({ statsUrl: stats.url }))
    await expect.poll(async () => (await sceneList(json)).length).toBe(64)
    for (const { parcels } of await sceneList(json)) expect(parcels).toHaveLength(64)
    for (let n = 1; n < 64; n++) source.set(aRealm({ name: `realm-${n}`, statsUrl: stats.url }))
    await expect.poll(async () => (await sceneList(json)).length, { timeout: 10_000 }).toBe(8)
  })

  test('a namespace full of stats services that hang delays no other namespace', async (t) => {
    const hanging = await aService(t)
    hanging.state.hanging = true
    const stats = await aService(t, { '/core-status': { userCount: 1 }, '/hot-scenes': scenes(1, 1) })
    const { source, json } = await aProvider(t, { realTime: true, timing: { stats: { periodMs: 30, timeoutMs: 1_000 } } })
    for (let n = 0; n < 200; n++) source.set(aRealm({ namespace: 'a', name: `dead-${n}`, statsUrl: hanging.url }))
    source.set(aRealm({ namespace: 'b', statsUrl: stats.url }))
    await expect.poll(() => json('/main/about')).toMatchObject({ comms: { usersCount: 1 } })
    stats.state.answers['/core-status'] = { userCount: 2 }
    await expect.poll(() => json('/main/about')).toMatchObject({ comms: { usersCount: 2 } })
    expect(await sceneList(json)).toHaveLength(1)
  })
})
