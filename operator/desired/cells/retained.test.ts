import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import type { Ingress } from '../manifests/ingress.ts'
import { type Service, slotServices } from '../manifests/kube-service.ts'
import { networkPolicies } from '../manifests/networkpolicy.ts'
import { routeObjects } from '../manifests/objects.ts'
import { CELL_LABEL } from '../naming.ts'
import { platform } from '../realm.fixtures.ts'
import { Simulation } from '../simulation.fixtures.ts'

const external: Pick<RealmSpec, 'nats' | 'livekit'> = {
  nats: { type: 'External', urls: ['nats://nats.infra:4333'] },
  livekit: { type: 'External', url: 'wss://livekit.example.org:7443', credentials: { secretName: 'livekit' } },
}
const managed: Pick<RealmSpec, 'nats' | 'livekit'> = { nats: { type: 'Managed' }, livekit: { type: 'Managed' } }

/** Moves a realm from one NATS and LiveKit to others, and checks it after each pass. */
function migrated(
  from: Partial<RealmSpec>,
  to: Partial<RealmSpec>,
  check: (simulation: Simulation, planned: [hasOld: boolean, hasNew: boolean]) => void,
): Simulation {
  const simulation = new Simulation({ cells: { replicas: 2, max: 4 }, networkPolicy: { type: 'Strict' } })
  simulation.declare({}, from)
  simulation.settle()
  const old = simulation.names()
  simulation.declare({}, to)
  for (let i = 0; i < 200; i++) {
    simulation.pass()
    for (const { metadata } of simulation.plan?.rollout.cellsToJoin ?? [])
      simulation.syntheticJoins.set(metadata.name, { state: 'joined' })
    const planned = simulation.plan?.cells.map(({ metadata }) => metadata.name) ?? []
    check(simulation, [old.some((name) => planned.includes(name)), planned.some((name) => !old.includes(name))])
    simulation.wait(1_000)
  }
  expect(simulation.names()).toHaveLength(2)
  return simulation
}

const egressOf = (simulation: Simulation) =>
  networkPolicies(simulation.realm, platform, simulation.plan?.cells)
    .find(({ metadata }) => metadata.name === 'main-archipelago')
    ?.spec.egress?.map(({ to, ports }) => `${to ? 'realm' : 'outside'} ${ports?.map(({ port }) => port)}`)

test('Managed servers are retained until no cell uses them, and old and new cells may connect to theirs meanwhile', () => {
  const simulation = migrated(managed, external, (now, [hasOld]) => {
    expect([...(now.plan?.retained ?? [])].length > 0).toBe(hasOld)
    if (hasOld)
      expect([...(now.plan?.retained ?? [])]).toEqual(['main-nats', 'main-nats-peers', 'main-livekit', 'main-livekit-media'])
    const outside = ['outside 4333', 'outside 7443']
    expect(egressOf(now)).toEqual(hasOld ? ['realm 4222', 'outside 4333', 'realm 7880', 'outside 7443'] : outside)
  })
  expect(simulation.plan?.retained.size).toBe(0)
})

test('while a realm changes to Managed servers, cells that still use External ones may connect to them', () => {
  migrated(external, managed, (now, [hasOld]) => {
    expect(now.plan?.retained.size).toBe(0)
    expect(egressOf(now)).toEqual(
      hasOld ? ['realm 4222', 'outside 4333', 'realm 7880', 'outside 7443'] : ['realm 4222', 'realm 7880'],
    )
  })
})

test('setting the change back leaves the Managed servers as they were', () => {
  const simulation = new Simulation({ cells: { replicas: 1, max: 4 }, ...managed })
  simulation.settle()
  const { nats, livekit } = simulation.realm.spec
  simulation.declare({}, external)
  simulation.pass()
  expect(simulation.plan?.retained.has('main-nats')).toBe(true)
  simulation.declare({}, { nats, livekit })
  simulation.settle()
  expect([simulation.names(), simulation.plan?.retained.size]).toEqual([['main-0'], 0])
})

test('a hibernated realm retains nothing for removed cells', () => {
  const simulation = new Simulation({ cells: { replicas: 1, max: 4 }, ...managed })
  simulation.settle()
  simulation.declare({ replicas: 0 }, external)
  simulation.settle()
  expect(simulation.plan?.retained.size).toBe(0)
})

/** What the routes of the realm lead to, and the pods behind the rooms of its first slot. */
function routed({ realm, plan }: Simulation) {
  if (!plan) throw new Error('there was no pass yet')
  const objects = [...routeObjects(realm, plan), ...slotServices(realm, plan)]
  const ingress = objects.find(({ kind }) => kind === 'Ingress') as Ingress
  const rooms = objects.find(({ metadata }) => metadata.name === 'main-rooms-0') as Service | undefined
  return {
    paths: ingress.spec.rules?.flatMap(({ http }) => http?.paths.map(({ path }) => path)) ?? [],
    roomsOf: rooms?.spec.selector[CELL_LABEL],
  }
}

const atHost = { exposure: { type: 'Ingress', host: 'realm.example.org', tls: 'Terminated' } } as const
const open: Pick<RealmSpec, 'nats' | 'livekit'> = { ...managed, livekit: { type: 'Managed', service: { type: 'NodePort' } } }

test.each([
  ['an External one', external.livekit],
  ['embedded rooms', { type: 'None' }],
  ['another URL', { ...open.livekit, url: 'wss://livekit.example.org' }],
] as const)('the signalling of a Managed LiveKit keeps its route until no cell names it, on the way to %s', (_, livekit) => {
  migrated({ ...open, ...atHost }, { nats: managed.nats, livekit: livekit as RealmSpec['livekit'] }, (now, [hasOld]) =>
    expect(routed(now).paths.includes('/rtc')).toBe(hasOld),
  )
})

test('embedded rooms keep their route until no cell has them, and the rooms of a slot are those of its cell that has some', () => {
  const names = new Set<string | undefined>()
  migrated({ nats: managed.nats, livekit: { type: 'None' }, ...atHost }, open, (now, [hasOld]) => {
    const { paths, roomsOf } = routed(now)
    expect([paths.includes('/cells/0/rooms'), roomsOf !== undefined]).toEqual([hasOld, hasOld])
    if (now.cells.has('main-0')) names.add(roomsOf)
  })
  expect([...names]).toEqual(['main-0'])
})

test('a rollout between cells that all have rooms leads to the rooms of the cell that has the slot', () => {
  const simulation = new Simulation({ cells: { replicas: 1, max: 4 }, livekit: { type: 'None' }, ...atHost })
  simulation.settle()
  simulation.declare({}, { version: '2.0.0' })
  simulation.rollOut()
  expect(routed(simulation).roomsOf).toBe(simulation.routes()[0])
  expect(simulation.plan?.retainedRoutes.roomsCells.size).toBe(0)
})
