import { expect, test } from 'vitest'
import type { Realm } from '../../../crds/realm.ts'
import { noObservations } from '../../observed/observations.ts'
import type { ObservedHost, ObservedRealm, Workload } from '../../observed/workload.ts'
import { aRealm, site } from '../realm.fixtures.ts'
import { planWorld } from '../world-plan.ts'
import { realmStatus } from './realm-status.ts'

const gatekeeper: Workload = { component: 'gatekeeper', desired: 1, current: 1, updated: 1, ready: 1, existing: 1 }
const SCENE = 'urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/'
const exposure = { type: 'Ingress', host: 'plaza.example.org', tlsSecretName: 'tls' } as const

function aWorld(changes: Parameters<typeof aRealm>[0] = {}, more: Partial<NonNullable<Realm['spec']['world']>> = {}): Realm {
  return aRealm({ mode: 'World', ...changes, world: { scenes: [SCENE], access: { type: 'Public' }, capacity: 10, ...more } })
}

function statusOf(
  realm: Realm,
  observed: Partial<ObservedRealm> = { services: [gatekeeper] },
  isWorldServed: boolean | undefined = true,
) {
  const seen = { cells: [], services: [], ...observed }
  const plan = planWorld(realm, seen, site, { ...noObservations, isWorldServed })
  const publication = { state: 'serving', aboutUrl: 'http://realm-provider/main/about' } as const
  const facts = {
    realm,
    plan,
    observed: seen,
    urls: site.urls(realm),
    publication,
    failure: undefined,
    now: 0,
    isInCluster: true,
  }
  const hostUrls = seen.host && site.urls(seen.host.realm)
  const status = realmStatus({ ...facts, hostUrls, players: isWorldServed ? 12 : undefined, reachability: [] })
  const said = Object.fromEntries(status.conditions?.map(({ type, status: is, reason }) => [type, `${is} ${reason}`]) ?? [])
  const message = (type: string) => status.conditions?.find((condition) => condition.type === type)?.message
  return { status, said, message }
}

test('a world that its gatekeeper serves is ready, published and at rest', () => {
  const { status, said } = statusOf(aWorld({ exposure }))
  expect(said).toEqual({
    Ready: 'True AllServing',
    Published: 'True ServedByProvider',
    AcceptingPlayers: 'True WorldServed',
    DependenciesReady: 'True Reachable',
    MovementReachable: 'False NotConfigured',
    DataDurable: 'False EndsWithPod',
    ExplorersSupported: 'True AllExplorers',
    Progressing: 'False Settled',
    Reconciling: 'False Settled',
    Stalled: 'False NotStalled',
  })
  expect(status).toMatchObject({ replicas: 0, readyReplicas: 0, players: '10+' })
  expect(status.urls).toEqual({
    about: 'https://plaza.example.org/about',
    gatekeeper: 'https://plaza.example.org/gatekeeper',
  })
})

test('a world is not ready before its gatekeeper was seen to serve it, nor while that has no ready pod', () => {
  const [unseen, down] = [statusOf(aWorld(), undefined, false), statusOf(aWorld(), { services: [{ ...gatekeeper, ready: 0 }] })]
  for (const { said } of [unseen, down])
    expect(said).toMatchObject({
      Ready: 'False ServicesNotReady',
      Published: 'False NothingToPublish',
      AcceptingPlayers: 'False WorldNotServed',
      Reconciling: 'True ServicesStarting',
      Stalled: 'False NotStalled',
    })
  expect(unseen.message('Ready')).toMatch(/does not serve the world yet/)
  expect(down.message('Ready')).toMatch(/without a ready pod: gatekeeper/)
})

test('a closed world is ready, takes no players and is at rest', () => {
  expect(statusOf(aWorld({ cells: { replicas: 0 } }), {}).said).toMatchObject({
    Ready: 'True Hibernated',
    AcceptingPlayers: 'False Hibernated',
    Reconciling: 'False Settled',
  })
})

test('a world that uses the gatekeeper of another realm has its address, and says what that realm lacks', () => {
  const host = aRealm({ exposure: { ...exposure, host: 'host.example.org' }, gatekeeper: { worldHosting: {} } })
  const seen = (more: Partial<ObservedHost> = {}): ObservedRealm => ({
    cells: [],
    services: [],
    host: { realm: host, gatekeeper, isAddressTaken: false, serves: true, ...more },
  })
  const guest = aWorld({}, { gatekeeperOf: 'host' })
  expect(statusOf(guest, seen()).status.urls).toMatchObject({ gatekeeper: 'https://host.example.org/gatekeeper' })
  expect(statusOf(guest, seen()).said).toMatchObject({
    Ready: 'True AllServing',
    DataDurable: 'True NoGatekeeper',
    ExplorersSupported: 'True AllExplorers',
  })
  const { said, message } = statusOf(guest, { services: [] })
  expect(said).toMatchObject({ Ready: 'False HostNotUsable', Reconciling: 'False Stalled', Stalled: 'True HostNotUsable' })
  expect(message('Stalled')).toBe('the Realm host, whose gatekeeper this world uses, does not exist')
})

test.each([
  [
    'embedded rooms',
    { livekit: { type: 'None' }, exposure },
    {},
    'EmbeddedRooms',
    /only explorers of Bevy enter rooms of a gatekeeper/,
  ],
  ['no TLS', { exposure: { type: 'Ingress', host: 'plaza.example.org' } }, {}, 'NoTls', /TLS/],
  ['several scenes', { exposure }, { scenes: [SCENE, SCENE.replace('bafkscene', 'bafkother')] }, 'SeveralScenes', /Unity/],
] as const)('a world with %s says which explorers cannot enter', (_, changes, world, reason, says) => {
  const { said, message } = statusOf(aWorld(changes as object, world as object))
  expect(said.ExplorersSupported).toBe(`False ${reason}`)
  expect(message('ExplorersSupported')).toMatch(says)
  expect(said.Ready).toBe('True AllServing')
})
