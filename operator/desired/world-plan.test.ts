import { describe, expect, test } from 'vitest'
import type { Realm, RealmSpec } from '../../crds/realm.ts'
import { noObservations } from '../observed/observations.ts'
import type { ObservedHost, ObservedRealm, Workload } from '../observed/workload.ts'
import { hostingOf } from './hosted-worlds.ts'
import { aRealm, site } from './realm.fixtures.ts'
import { planWorld } from './world-plan.ts'

const nothing: ObservedRealm = { cells: [], services: [] }
const ready: Workload = { component: 'gatekeeper', desired: 1, current: 1, updated: 1, ready: 1, existing: 1 }
const SCENE = 'urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/'

type World = NonNullable<RealmSpec['world']>
function aWorld(world: Partial<World> = {}, changes: Parameters<typeof aRealm>[0] = {}, name = 'plaza'): Realm {
  const realm = aRealm({ ...changes, mode: 'World' })
  const whole: World = { scenes: [SCENE], access: { type: 'Public' }, capacity: 100, ...world }
  return { ...realm, metadata: { ...realm.metadata, name, uid: `${name}-uid` }, spec: { ...realm.spec, world: whole } }
}
const aHost = (changes: Parameters<typeof aRealm>[0] = {}) =>
  aRealm({ ...changes, gatekeeper: { worldHosting: {}, ...changes.gatekeeper } })
const seen = (host: Realm, more: Partial<ObservedHost> = {}): ObservedRealm => ({
  ...nothing,
  host: { realm: host, gatekeeper: ready, isAddressTaken: false, serves: true, ...more },
})
const served = { ...noObservations, isWorldServed: true }

test('a world has one endpoint, at its gatekeeper, and no cell, statistics or route', () => {
  const exposed = aWorld({}, { exposure: { type: 'Ingress', host: 'plaza.example.org', tlsSecretName: 'tls' } })
  const plan = planWorld(exposed, { ...nothing, services: [ready] }, site, served)
  expect(plan.endpoints).toEqual([
    {
      slot: 0,
      adapter: 'fixed-adapter:signed-login:https://plaza.example.org/gatekeeper/worlds/plaza/comms',
      cell: 'plaza-gatekeeper',
      state: 'Serving',
    },
  ])
  expect(plan).toMatchObject({ cells: [], routes: [], desiredCells: 0, services: [{ component: 'gatekeeper', replicas: 1 }] })
})

test.each([
  ['its gatekeeper was not asked yet', undefined, 1, undefined, 'Starting'],
  ['its gatekeeper does not answer about it', false, 1, undefined, 'Starting'],
  ['its gatekeeper has no ready pod', true, 0, undefined, 'Starting'],
  ['it served before, and its gatekeeper has no ready pod', true, 0, 'Serving', 'Unhealthy'],
  ['it served before, and does not any more', false, 1, 'Serving', 'Unhealthy'],
  ['it served before, and a new operator has not asked yet', undefined, 1, 'Serving', 'Serving'],
] as const)('while %s, the endpoint is as true as that', (_, isWorldServed, pods, before, state) => {
  const world = aWorld()
  const status = before && { endpoints: [{ slot: 0, adapter: 'x', cell: 'plaza-gatekeeper', state: before }] }
  const realm: Realm = { ...world, ...(status && { status }) }
  const observed = { ...nothing, services: [{ ...ready, ready: pods }] }
  expect(planWorld(realm, observed, site, { ...noObservations, isWorldServed }).endpoints[0]?.state).toBe(state)
})

test('a closed world has no gatekeeper, unless other worlds use it', () => {
  const closed = aWorld({}, { cells: { replicas: 0 }, gatekeeper: { worldHosting: {} } })
  expect(planWorld(closed, nothing, site)).toMatchObject({ endpoints: [], services: [{ replicas: 0 }], scale: { cells: 0 } })
  const guest = aWorld({ gatekeeperOf: 'plaza' }, {}, 'attic')
  const plan = planWorld(closed, { ...nothing, guests: [guest] }, site)
  expect(plan.services).toMatchObject([{ replicas: 1, hosting: { worlds: [{ name: 'attic' }] } }])
})

test('a world that uses the gatekeeper of another realm has nothing of its own, and is reached there', () => {
  const host = aHost({ exposure: { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } })
  const plan = planWorld(aWorld({ gatekeeperOf: 'main' }), seen(host), site, served)
  expect(plan.services).toEqual([])
  expect(plan.endpoints).toMatchObject([
    { adapter: 'fixed-adapter:signed-login:https://main.example.org/gatekeeper/worlds/plaza/comms', cell: 'main-gatekeeper' },
  ])
})

describe('the Realm that a world names cannot serve it', () => {
  test.each([
    ['where there is none', undefined, {}, /does not exist/],
    ['without worldHosting', seen(aRealm()), {}, /set spec\.gatekeeper\.worldHosting there/],
    ['without a gatekeeper', seen(aHost({ gatekeeper: { replicas: 0 } })), {}, /replicas is 0 there/],
    ['as a guest itself', seen(aWorld({ gatekeeperOf: 'other' }, {}, 'main')), {}, /uses that of another Realm/],
    ['without its address', seen(aHost(), { isAddressTaken: true }), {}, /belongs to another realm/],
    ['with a full file', seen(aHost(), { serves: false }), {}, /name another one/],
    [
      'with another Secret',
      seen(aHost({ gatekeeper: { worldHosting: { secretName: 'theirs' } } })),
      { access: { type: 'SharedSecret', secret: { name: 'mine', key: 'secret' } } },
      /put this one there/,
    ],
  ] as const)('%s', (_, observed, world, says) => {
    const plan = planWorld(aWorld({ gatekeeperOf: 'main', ...(world as Partial<World>) }), observed ?? nothing, site, served)
    expect(plan.hostProblem).toMatch(says)
    expect(plan.endpoints).toEqual([])
  })
})

describe('the file of worlds', () => {
  test('has what the gatekeeper decides by, and no wallet in two spellings', () => {
    const wallet = `0x${'aB'.repeat(20)}`
    const guest = aWorld({ gatekeeperOf: 'main', access: { type: 'Allowlist', wallets: [wallet] }, capacity: 7 })
    expect(hostingOf(aHost(), [guest])).toEqual({
      secret: undefined,
      worlds: [
        {
          name: 'plaza',
          realmName: 'plaza',
          room: 'world:metaverse.plaza',
          scenes: ['bafkscene'],
          access: { type: 'Allowlist', wallets: [wallet.toLowerCase()] },
          capacity: 7,
        },
      ],
    })
  })

  test('names the key of a shared secret only where the gatekeeper mounts its Secret', () => {
    const guest = aWorld({ gatekeeperOf: 'main', access: { type: 'SharedSecret', secret: { name: 'doors', key: 'plaza' } } })
    const of = (secretName: string) => hostingOf(aHost({ gatekeeper: { worldHosting: { secretName } } }), [guest])
    expect(of('doors')).toMatchObject({ secret: { name: 'doors', optional: true }, worlds: [{ access: { key: 'plaza' } }] })
    expect(of('other')?.worlds[0]?.access).toEqual({ type: 'SharedSecret', key: undefined })
    const own = aWorld({ access: { type: 'SharedSecret', secret: { name: 'doors', key: 'plaza' } } })
    expect(hostingOf(own)?.secret).toEqual({ name: 'doors', keys: ['plaza'], optional: false })
  })

  test('leaves out closed worlds and those being deleted, and is one of no City without worldHosting', () => {
    const closed = aWorld({ gatekeeperOf: 'main' }, { cells: { replicas: 0 } })
    const leaving = aWorld({ gatekeeperOf: 'main' })
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    expect(hostingOf(aHost(), [closed, leaving])).toEqual({ worlds: [], secret: undefined })
    expect(hostingOf(aRealm(), [aWorld({ gatekeeperOf: 'main' })])).toBeUndefined()
  })

  test('has a thousand worlds in one gatekeeper', () => {
    const guests = Array.from({ length: 1000 }, (_, n) => aWorld({ gatekeeperOf: 'main' }, {}, `world-${n}`))
    expect(hostingOf(aHost(), guests)?.worlds).toHaveLength(1000)
  })

  test('fits into a ConfigMap: the oldest worlds stay when there are too many', () => {
    const wallets = Array.from({ length: 1000 }, (_, n) => `0x${n.toString(16).padStart(40, '0')}`)
    const guests = Array.from({ length: 40 }, (_, n) => {
      const guest = aWorld({ gatekeeperOf: 'main', access: { type: 'Allowlist', wallets } }, {}, `w${n}`)
      guest.metadata.creationTimestamp = new Date(1e12 - n * 1000).toISOString()
      return guest
    })
    const hosting = hostingOf(aHost(), guests)
    expect(JSON.stringify({ worlds: hosting?.worlds }).length).toBeLessThan(1024 * 1024)
    expect(hosting?.worlds.length).toBeGreaterThan(15)
    expect(hosting?.worlds.length).toBeLessThan(40)
    expect(hosting?.worlds[0]?.name).toBe('w39')
  })
})
