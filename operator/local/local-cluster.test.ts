import { expect, test } from 'vitest'
import { conditionOf } from '../../crds/realm.ts'
import { aRealm } from '../desired/realm.fixtures.ts'
import { aLaptop } from './fixtures.ts'

const scaled = (replicas: number) => aRealm({ cells: { replicas } })

test('a declared realm runs its cell and its services, without a bus, and reports its endpoints', async () => {
  const { runtime, cluster, declare, status, condition } = aLaptop()
  await declare(aRealm())
  expect([...runtime.running.keys()].sort()).toEqual(['gatekeeper', 'main-0', 'stats'])
  expect(status()).toMatchObject({
    replicas: 1,
    readyReplicas: 1,
    endpoints: [
      { slot: 0, adapter: 'archipelago:archipelago:ws://127.0.0.1:3000/main/cells/0/ws', cell: 'main-0', state: 'Serving' },
    ],
    urls: { about: 'http://127.0.0.1:3000/main/about', gatekeeper: 'http://127.0.0.1:3000/main/gatekeeper' },
  })
  expect(condition('Ready')).toMatchObject({ status: 'True', reason: 'AllServing' })
  expect(condition('Progressing')).toMatchObject({ status: 'False' })
  expect(cluster.cells()[0]?.spec).not.toHaveProperty('nats')
  expect(runtime.running.get('main-0')).toMatchObject({
    plan: { archipelago: { settings: { ROOMS_URL: 'ws://127.0.0.1:3000/main/cells/0/rooms', LIVEKIT_ISLAND_SIZE: '100' } } },
  })
})

test('a changed island size is applied without a restart of the cell', async () => {
  const { runtime, declare, cluster, key } = aLaptop()
  await declare(aRealm())
  runtime.events.length = 0
  const changed = aRealm()
  changed.spec.cells.template.archipelago.islandSize = 7
  await declare(changed)
  expect(runtime.events).toEqual(['update main-0'])
  expect(runtime.running.get('main-0')).toMatchObject({ plan: { archipelago: { settings: { LIVEKIT_ISLAND_SIZE: '7' } } } })
  expect(cluster.realm(key)?.metadata.generation).toBe(2)
  expect(cluster.realm(key)?.status?.observedGeneration).toBe(2)
})

test('a part that cannot be updated is restarted', async () => {
  const { runtime, declare } = aLaptop()
  await declare(aRealm())
  runtime.events.length = 0
  runtime.updates = false
  await declare(aRealm({ content: { catalysts: ['https://peer.example.org'] } }))
  // The gatekeeper and the statistics read the content of the catalyst.
  const parts = ['gatekeeper', 'stats']
  expect(runtime.events).toEqual(['update', 'stop', 'start'].flatMap((what) => parts.map((part) => `${what} ${part}`)))
})

test('scaling up, down, to nothing and back starts cells, changes routes and drains cells', async () => {
  const { runtime, declare, settle, status, condition } = aLaptop()
  const answering = () => runtime.slots.map(({ cell }) => cell)
  await declare(scaled(1))
  expect(answering()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  await declare(scaled(2))
  expect(answering()).toEqual(['main-0', 'main-1', 'main-0', 'main-1'])
  expect(status()).toMatchObject({ replicas: 2, readyReplicas: 2 })
  await declare(scaled(1))
  expect(answering()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  expect(status()?.endpoints).toMatchObject([{ state: 'Serving' }, { cell: 'main-1', state: 'Draining' }])
  expect(runtime.running.has('main-1')).toBe(true)
  await settle(2000)
  expect(runtime.running.has('main-1')).toBe(false)
  await declare(scaled(0))
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'False', reason: 'Hibernated' })
  await settle(2000)
  expect([answering(), runtime.running.has('main-0')]).toEqual([[], false])
  expect(condition('Ready')).toMatchObject({ status: 'True', reason: 'Hibernated' })
  await declare(scaled(1))
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'True' })
  expect(runtime.running.has('main-0')).toBe(true)
})

test('the routes to a cell are removed before its players are disconnected', async () => {
  const { runtime, declare, settle } = aLaptop()
  await declare(scaled(2))
  const routedTo: boolean[] = []
  runtime.onStop = (name) => routedTo.push(runtime.slots.some(({ cell }) => cell === name))
  await declare(scaled(1))
  await settle(2000)
  expect(routedTo).toEqual([false])
})

test('of two cells the one with fewer players is removed', async () => {
  const { declare, settle, counts, cluster } = aLaptop()
  await declare(scaled(2))
  counts.set(0, 3).set(1, 40)
  await declare(scaled(1))
  await settle(2000)
  expect(cluster.cells().map(({ metadata }) => metadata.name)).toEqual(['main-1'])
})

test('a cell that is desired again while it drains starts once the old one has stopped', async () => {
  const { runtime, declare, settle, condition } = aLaptop()
  await declare(scaled(1))
  let drained = () => {}
  runtime.draining = new Promise((resolve) => {
    drained = resolve
  })
  await declare(scaled(0))
  await settle(2000)
  await declare(scaled(1))
  expect(runtime.events.filter((event) => event.endsWith('main-0'))).toEqual(['start main-0', 'stop main-0'])
  drained()
  await settle()
  expect(runtime.events.at(-1)).toBe('start main-0')
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'True' })
})

test('a start that fails is reported, and retried until it works', async () => {
  const { runtime, declare, settle, condition } = aLaptop()
  runtime.failure = new Error('no room on this machine')
  await declare(aRealm())
  expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'ApplyFailed', message: 'no room on this machine' })
  expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'Retrying' })
  runtime.failure = undefined
  await settle(2000)
  expect(condition('Ready')).toMatchObject({ status: 'True' })
})

test('a change of readiness is observed', async () => {
  const { runtime, declare, settle, status, condition } = aLaptop()
  runtime.ready = false
  await declare(aRealm())
  expect(status()?.endpoints).toMatchObject([{ state: 'Starting' }])
  runtime.ready = true
  await settle()
  expect(condition('Ready')).toMatchObject({ status: 'True' })
  runtime.ready = false
  await settle()
  expect(status()?.endpoints).toMatchObject([{ state: 'Unhealthy' }])
})

test('a deleted realm leaves nothing running', async () => {
  const { runtime, cluster, key, declare, settle } = aLaptop()
  await declare(scaled(2))
  await cluster.delete(key)
  await settle()
  expect([[...runtime.running.keys()], runtime.slots, cluster.realms(), cluster.cells()]).toEqual([[], [], [], []])
})

test('at rest nothing is started, updated, written or notified', async () => {
  const { runtime, cluster, declare, settle, key } = aLaptop()
  await declare(scaled(2))
  runtime.events.length = 0
  let notified = 0
  cluster.onChange(() => notified++)
  const before = cluster.realm(key)?.metadata.resourceVersion
  await declare(scaled(2))
  await settle(5000)
  expect([runtime.events, notified, cluster.realm(key)?.metadata.resourceVersion]).toEqual([[], 0, before])
})

test('a realm without gatekeepers runs none and is ready', async () => {
  const { runtime, declare, cluster } = aLaptop()
  await declare(aRealm({ gatekeeper: { replicas: 0 } }))
  expect(runtime.running.has('gatekeeper')).toBe(false)
  expect(cluster.realms()[0]?.status?.urls).not.toHaveProperty('gatekeeper')
  expect(conditionOf(cluster.realms()[0] ?? {}, 'Ready')).toMatchObject({ status: 'True' })
})

test('stopping the cluster stops every part', async () => {
  const { runtime, cluster, declare } = aLaptop()
  await declare(scaled(2))
  await cluster.stop()
  expect(runtime.running.size).toBe(0)
})

test('autoscaling adds and removes cells in the local cluster too, where all connectors are one process', async () => {
  const { runtime, counts, declare, settle, status } = aLaptop()
  const autoscale = {
    playersPerConnector: 10,
    connectors: { min: 1, max: 2 },
    cells: { min: 1, max: 2 },
    scaleDownAfterSeconds: 0,
  }
  await declare(aRealm({ autoscale }))
  counts.set(0, 25).set(1, 0)
  await settle(35_000)
  expect([...runtime.running.keys()].sort()).toEqual(['gatekeeper', 'main-0', 'main-1', 'stats'])
  expect(status()?.autoscale).toMatchObject({ cells: 2, reason: 'MorePlayers', message: '25 players fill 1 cell, 2 from now on' })
})
