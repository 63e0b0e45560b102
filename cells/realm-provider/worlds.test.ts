import { expect, test, vi } from 'vitest'
import type { Endpoint } from '../../crds/realm.ts'
import { readAdapter } from '../wire/adapter.ts'
import { aProvider, aRealm, aSceneUrn, aService } from './fixtures.ts'

const adapter = 'fixed-adapter:signed-login:https://plaza.example/gatekeeper/worlds/plaza/comms'
const endpoint: Endpoint = { slot: 0, adapter, cell: 'plaza-gatekeeper', state: 'Serving' }
const live = (users: Record<string, number>) => ({
  '/live-data': {
    data: { totalUsers: 0, perWorld: Object.entries(users).map(([worldName, count]) => ({ worldName, users: count })) },
  },
})

test('a world is described as a worlds content server does it, and every explorer understands its adapter', async (t) => {
  const { source, json } = await aProvider(t)
  source.set(aRealm({ name: 'plaza', world: { spawn: '3,-4' }, endpoints: [endpoint] }))
  expect(await json('/plaza/about')).toMatchObject({
    healthy: true,
    acceptingUsers: true,
    spawnCoordinates: '3,-4',
    configurations: {
      networkId: 1,
      realmName: 'plaza',
      scenesUrn: [aSceneUrn],
      globalScenesUrn: [],
      map: { minimapEnabled: false, sizes: [] },
    },
    comms: { healthy: true, protocol: 'v3', adapter, usersCount: 0 },
  })
  expect(readAdapter(adapter)).toEqual({ kind: 'signed-login', url: 'https://plaza.example/gatekeeper/worlds/plaza/comms' })
  expect(await json('/plaza/scenes')).toEqual({ scenes: [{ worldName: 'plaza', entityId: 'bafkscene' }], total: 1 })
})

test('the sky and the map are those of the realm where it sets them', async (t) => {
  const { source, json } = await aProvider(t)
  const map = { minimapEnabled: true, sizes: [{ left: 0, top: 1, right: 1, bottom: 0 }] }
  source.set(aRealm({ name: 'plaza', world: {}, content: { skybox: { fixedHour: 43_200 }, map }, endpoints: [endpoint] }))
  expect(await json('/plaza/about')).toMatchObject({ configurations: { skybox: { fixedHour: 43_200 }, map } })
  expect(await json('/plaza/about')).not.toHaveProperty('spawnCoordinates')
})

test('a city has no scenes of a world', async (t) => {
  const { source, get } = await aProvider(t)
  source.set(aRealm())
  expect((await get('/main/scenes')).status).toBe(404)
})

test('its gatekeeper counts the players of all its worlds in one answer, and a full world says so', async (t) => {
  const gatekeeper = await aService(t, live({ plaza: 3, attic: 1 }))
  const timing = { stats: { periodMs: 10, timeoutMs: 1_000 } }
  const { source, json } = await aProvider(t, { realTime: true, timing })
  const gatekeeperUrl = `${gatekeeper.url}/`
  source.set(aRealm({ name: 'plaza', world: { capacity: 4 }, endpoints: [endpoint], gatekeeperUrl }))
  source.set(aRealm({ name: 'attic', world: { gatekeeperOf: 'plaza' }, endpoints: [endpoint], gatekeeperUrl }))
  const about = () => json('/plaza/about')
  await vi.waitFor(async () => expect(await about()).toMatchObject({ acceptingUsers: true, comms: { usersCount: 3 } }))
  expect(await json('/attic/about')).toMatchObject({ comms: { usersCount: 1 } })
  gatekeeper.state.answers = live({ plaza: 4, attic: 1 })
  await vi.waitFor(async () => expect(await about()).toMatchObject({ acceptingUsers: false, comms: { usersCount: 4 } }))
  expect(new Set(gatekeeper.state.asked)).toEqual(new Set(['/live-data']))
  // The last numbers stay while the gatekeeper does not answer, or answers anything else.
  gatekeeper.state.answers = { '/live-data': { data: { perWorld: [{ worldName: 'plaza', users: 'many' }] } } }
  gatekeeper.state.asked = []
  await vi.waitFor(() => expect(gatekeeper.state.asked.length).toBeGreaterThan(1))
  expect(await about()).toMatchObject({ comms: { usersCount: 4 } })
})

test('in a cluster the gatekeeper is asked at its Service: that of the Realm whose gatekeeper serves the world', async (t) => {
  const gatekeeper = await aService(t, { '/realms/host/live-data': live({ plaza: 2 })['/live-data'] })
  const config = { GATEKEEPER_URL: `${gatekeeper.url}/{namespace}/{name}` }
  const { source, json } = await aProvider(t, { config, realTime: true, timing: { stats: { periodMs: 10, timeoutMs: 1_000 } } })
  source.set(
    aRealm({ name: 'plaza', world: { gatekeeperOf: 'host' }, endpoints: [endpoint], gatekeeperUrl: 'http://127.0.0.1:1' }),
  )
  await vi.waitFor(async () => expect(await json('/plaza/about')).toMatchObject({ comms: { usersCount: 2 } }))
})
