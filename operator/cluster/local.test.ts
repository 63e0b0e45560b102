import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import type { Census } from '../census/census.ts'
import { aRealm } from '../desired/fixtures.ts'
import { laptopSite } from '../desired/site.ts'
import type { Publication } from '../publication/publication.ts'
import { startReconcilers } from '../reconcile/loop.ts'
import type { CellOrder, Host, RunningPart, ServiceOrder } from './host.ts'
import { createLocalCluster } from './local.ts'

/** A host that runs nothing and remembers everything. */
class FakeHost implements Host {
  readonly events: string[] = []
  readonly running = new Map<string, CellOrder | ServiceOrder>()
  slots: readonly { slot: number; cell: string }[] = []
  /** Thrown by starts, until taken away. */
  failure: Error | undefined
  ready = true
  /** What an update answers. */
  updates = true
  onStop = (_name: string) => {}
  /** Stops wait for this. */
  draining: Promise<void> = Promise.resolve()

  startCell = (order: CellOrder) => this.#start(order.cell.metadata.name, order)
  startService = (order: ServiceOrder) => this.#start(order.plan.component, order)
  route = (_: unknown, slots: FakeHost['slots']) => {
    this.slots = slots
  }

  async #start<Order extends CellOrder | ServiceOrder>(name: string, order: Order): Promise<RunningPart<Order>> {
    this.events.push(`start ${name}`)
    if (this.failure) throw this.failure
    if (this.running.has(name)) throw new Error(`${name} runs twice`)
    this.running.set(name, order)
    return {
      readiness: () => (this.ready ? { ready: true } : { ready: false, reason: 'not yet' }),
      update: async (changed) => {
        this.events.push(`update ${name}`)
        if (this.updates) this.running.set(name, changed)
        return this.updates
      },
      stop: async () => {
        this.events.push(`stop ${name}`)
        this.onStop(name)
        await this.draining
        this.running.delete(name)
      },
    }
  }
}

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function aLaptop() {
  const clock = new ManualClock()
  const host = new FakeHost()
  const cluster = createLocalCluster({ host, clock, log: silentLog })
  const publication: Publication = {
    sighting: () => ({ state: 'serving', aboutUrl: 'http://127.0.0.1:3000/main/about' }),
    forget: () => {},
    onChange: () => () => {},
  }
  const site = laptopSite({ baseUrl: () => 'http://127.0.0.1:3000', providerUrl: 'http://127.0.0.1:3000', livekit: undefined })
  const census = new Map<number, number>()
  const players: Census = { attend: () => {}, players: () => census, forget: () => {}, onChange: () => () => {} }
  const loop = startReconcilers({ cluster, site, publication, census: players, clock, log: silentLog })
  cleanups.push(async () => {
    await loop.stop()
    await cluster.stop()
  })
  const key = { namespace: 'metaverse', name: 'main' }
  const settle = async (ms = 300) => {
    for (let at = 0; at < ms; at += 5) {
      clock.advance(5)
      await new Promise(setImmediate)
    }
  }
  const declare = async (realm: Realm) => {
    cluster.declare(realm)
    await settle()
  }
  const status = () => cluster.realm(key)?.status
  const condition = (type: string) => conditionOf(cluster.realm(key) ?? {}, type)
  return { host, cluster, census, key, settle, declare, status, condition }
}
const scaled = (replicas: number) => aRealm({ cells: { replicas } })

test('a declared realm runs its cell and its services, without a bus, and says where it is', async () => {
  const { host, cluster, declare, status, condition } = aLaptop()
  await declare(aRealm())
  expect([...host.running.keys()].sort()).toEqual(['gatekeeper', 'main-0', 'stats'])
  expect(status()).toMatchObject({
    replicas: 1,
    readyReplicas: 1,
    endpoints: [{ slot: 0, adapter: 'archipelago:archipelago:ws://127.0.0.1:3000/cells/0/ws', cell: 'main-0', state: 'Serving' }],
    urls: { about: 'http://127.0.0.1:3000/main/about', gatekeeper: 'http://127.0.0.1:3000/gatekeeper' },
  })
  expect(condition('Ready')).toMatchObject({ status: 'True', reason: 'AllServing' })
  expect(condition('Progressing')).toMatchObject({ status: 'False' })
  expect(cluster.cells()[0]?.spec).not.toHaveProperty('nats')
  expect(host.running.get('main-0')).toMatchObject({
    plan: { archipelago: { settings: { ROOMS_URL: 'ws://127.0.0.1:3000/cells/0/rooms', LIVEKIT_ISLAND_SIZE: '100' } } },
  })
})

test('a changed island size is applied while the cell goes on', async () => {
  const { host, declare, cluster, key } = aLaptop()
  await declare(aRealm())
  host.events.length = 0
  const changed = aRealm()
  changed.spec.cells.template.archipelago.islandSize = 7
  await declare(changed)
  expect(host.events).toEqual(['update main-0'])
  expect(host.running.get('main-0')).toMatchObject({ plan: { archipelago: { settings: { LIVEKIT_ISLAND_SIZE: '7' } } } })
  expect(cluster.realm(key)?.metadata.generation).toBe(2)
  expect(cluster.realm(key)?.status?.observedGeneration).toBe(2)
})

test('what cannot be changed in a running part is changed by a new start', async () => {
  const { host, declare } = aLaptop()
  await declare(aRealm())
  host.events.length = 0
  host.updates = false
  await declare(aRealm({ content: { catalysts: ['https://peer.example.org'] } }))
  expect(host.events).toEqual(['update stats', 'stop stats', 'start stats'])
})

test('scaling up, down, to nothing and back starts, repoints and drains', async () => {
  const { host, declare, settle, status, condition } = aLaptop()
  const answering = () => host.slots.map(({ cell }) => cell)
  await declare(scaled(1))
  expect(answering()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  await declare(scaled(2))
  expect(answering()).toEqual(['main-0', 'main-1', 'main-0', 'main-1'])
  expect(status()).toMatchObject({ replicas: 2, readyReplicas: 2 })
  await declare(scaled(1))
  expect(answering()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  expect(status()?.endpoints).toMatchObject([{ state: 'Serving' }, { cell: 'main-1', state: 'Draining' }])
  expect(host.running.has('main-1')).toBe(true)
  await settle(2000)
  expect(host.running.has('main-1')).toBe(false)
  await declare(scaled(0))
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'False', reason: 'Hibernated' })
  await settle(2000)
  expect([answering(), host.running.has('main-0')]).toEqual([[], false])
  expect(condition('Ready')).toMatchObject({ status: 'True', reason: 'Hibernated' })
  await declare(scaled(1))
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'True' })
  expect(host.running.has('main-0')).toBe(true)
})

test('a cell is led to by nobody before its players are sent away', async () => {
  const { host, declare, settle } = aLaptop()
  await declare(scaled(2))
  const ledTo: boolean[] = []
  host.onStop = (name) => ledTo.push(host.slots.some(({ cell }) => cell === name))
  await declare(scaled(1))
  await settle(2000)
  expect(ledTo).toEqual([false])
})

test('of two cells the one with fewer players goes', async () => {
  const { declare, settle, census, cluster } = aLaptop()
  await declare(scaled(2))
  census.set(0, 3).set(1, 40)
  await declare(scaled(1))
  await settle(2000)
  expect(cluster.cells().map(({ metadata }) => metadata.name)).toEqual(['main-1'])
})

test('a cell wanted back while it still drains starts once the old one is gone', async () => {
  const { host, declare, settle, condition } = aLaptop()
  await declare(scaled(1))
  let drained = () => {}
  host.draining = new Promise((resolve) => {
    drained = resolve
  })
  await declare(scaled(0))
  await settle(2000)
  await declare(scaled(1))
  expect(host.events.filter((event) => event.endsWith('main-0'))).toEqual(['start main-0', 'stop main-0'])
  drained()
  await settle()
  expect(host.events.at(-1)).toBe('start main-0')
  expect(condition('AcceptingPlayers')).toMatchObject({ status: 'True' })
})

test('a start that fails is told, and tried again until it works', async () => {
  const { host, declare, settle, condition } = aLaptop()
  host.failure = new Error('no room on this machine')
  await declare(aRealm())
  expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'ApplyFailed', message: 'no room on this machine' })
  expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'Retrying' })
  host.failure = undefined
  await settle(2000)
  expect(condition('Ready')).toMatchObject({ status: 'True' })
})

test('readiness that comes and goes is seen', async () => {
  const { host, declare, settle, status, condition } = aLaptop()
  host.ready = false
  await declare(aRealm())
  expect(status()?.endpoints).toMatchObject([{ state: 'Starting' }])
  host.ready = true
  await settle()
  expect(condition('Ready')).toMatchObject({ status: 'True' })
  host.ready = false
  await settle()
  expect(status()?.endpoints).toMatchObject([{ state: 'Unhealthy' }])
})

test('a withdrawn realm leaves nothing running', async () => {
  const { host, cluster, key, declare, settle } = aLaptop()
  await declare(scaled(2))
  await cluster.withdraw(key)
  await settle()
  expect([[...host.running.keys()], host.slots, cluster.realms(), cluster.cells()]).toEqual([[], [], [], []])
})

test('at rest nothing is started, updated, written or told', async () => {
  const { host, cluster, declare, settle, key } = aLaptop()
  await declare(scaled(2))
  host.events.length = 0
  let told = 0
  cluster.onChange(() => told++)
  const before = cluster.realm(key)?.metadata.resourceVersion
  await declare(scaled(2))
  await settle(5000)
  expect([host.events, told, cluster.realm(key)?.metadata.resourceVersion]).toEqual([[], 0, before])
})

test('a realm without gatekeepers runs none and is ready without', async () => {
  const { host, declare, cluster } = aLaptop()
  await declare(aRealm({ gatekeeper: { replicas: 0 } }))
  expect(host.running.has('gatekeeper')).toBe(false)
  expect(cluster.realms()[0]?.status?.urls).not.toHaveProperty('gatekeeper')
  expect(conditionOf(cluster.realms()[0] ?? {}, 'Ready')).toMatchObject({ status: 'True' })
})

test('stopping the cluster stops every part', async () => {
  const { host, cluster, declare } = aLaptop()
  await declare(scaled(2))
  await cluster.stop()
  expect(host.running.size).toBe(0)
})
