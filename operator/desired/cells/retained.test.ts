import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import { networkPolicies } from '../manifests/networkpolicy.ts'
import { platform } from '../realm.fixtures.ts'
import { Simulation } from '../simulation.fixtures.ts'

const external: Pick<RealmSpec, 'nats' | 'livekit'> = {
  nats: { type: 'External', urls: ['nats://nats.infra:4333'] },
  livekit: { type: 'External', url: 'wss://livekit.example.org:7443', credentials: { secretName: 'livekit' } },
}
const managed: Pick<RealmSpec, 'nats' | 'livekit'> = { nats: { type: 'Managed' }, livekit: { type: 'Managed' } }

/** Moves a realm from one NATS and LiveKit to others, and checks it after each pass. */
function migrated(
  from: typeof managed,
  to: typeof managed,
  check: (simulation: Simulation, planned: [hasOld: boolean, hasNew: boolean]) => void,
): Simulation {
  const simulation = new Simulation({ cells: { replicas: 2, max: 4 }, networkPolicy: { type: 'Strict' }, ...from })
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
