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
    await expect
      .poll(() => json('/main/about'), { timeout: 5000 })
      .toMatchObject({ comms: { usersCount: 7, adapter: anEndpoint(1).adapter } })
    expect(await json('/realms')).toMatchObject([{ usersCount: 0 }, { usersCount: 7 }])
    stats.state.answers['/stats/core-status'] = { userCount: 'many' }
    const asked = stats.state.asked.length
    await expect.poll(() => stats.state.asked.length, { timeout: 5000 }).toBeGreaterThan(asked + 6)
    await stats.die()
    expect(await json('/main/about')).toMatchObject({ comms: { usersCount: 7 } })
  })

  test('are queried inside a cluster at the Service that a template names', async (t) => {
    const stats = await aService(t, { '/realms/main/core-status': { healthy: true, userCount: 4 } })
    const config = { STATS_URL: `${stats.url}/{namespace}/{name}` }
    const { source, json } = await aProvider(t, { realTime: true, timing, config })
    source.set(aRealm({ statsUrl: 'http://127.0.0.1:1' }))
    await expect.poll(() => json('/main/about'), { timeout: 5000 }).toMatchObject({ comms: { usersCount: 4 } })
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
    const one = await aService(t, { '/core-status': { userCount: 3 }, '/hot-scenes': [scene, { id: 'bad' }, null] })
    const two = await aService(t, {
      '/core-status': { userCount: 9 },
      '/hot-scenes': [
        { id: 'cafe', baseCoords: [5, 5], usersTotalCount: 5, parcels: [[5, 5]] },
        { ...scene, usersTotalCount: 4 },
      ],
    })
    const { source, json } = await aProvider(t, { realTime: true, timing })
    source.set(aRealm({ name: 'one', statsUrl: one.url }))
    source.set(aRealm({ name: 'two', statsUrl: two.url }))
    const hot = [
      {
        id: 'plaza',
        name: 'Plaza',
        baseCoords: [0, 0],
        usersTotalCount: 7,
        realms: [
          { serverName: 'one', usersCount: 3 },
          { serverName: 'two', usersCount: 4 },
        ],
        parcels: [[0, 0]],
        thumbnail: 'http://t',
      },
      {
        id: 'cafe',
        baseCoords: [5, 5],
        usersTotalCount: 5,
        realms: [{ serverName: 'two', usersCount: 5 }],
        parcels: [[5, 5]],
      },
    ]
    await expect.poll(() => json('/hot-scenes'), { timeout: 5000 }).toEqual(hot)
    await Promise.all([one.die(), two.die()])
    expect(await json('/hot-scenes')).toEqual(hot)
  })
})
