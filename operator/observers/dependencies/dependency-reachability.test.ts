import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import { DependencyReachability } from './dependency-reachability.ts'

const url = 'wss://livekit.example.org'

function aWatch(isReached = true) {
  const clock = new ManualClock()
  const world = { isReached, asked: [] as string[] }
  const notified: string[] = []
  const dependencies = new DependencyReachability({
    log: silentLog,
    clock,
    random: () => 0.5,
    probe: async (asked) => {
      world.asked.push(asked)
      return world.isReached
    },
  })
  dependencies.onChange(({ name }) => notified.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  /** One pass of a reconciler over a realm. */
  const reach = (realm = aRealm()) => {
    dependencies.watch(realm)
    return dependencies.get(realm.metadata)
  }
  return { dependencies, reach, world, notified, pass }
}

test('a server is probed once for all realms that depend on it, and rarely while it is reachable', async () => {
  const { reach, world, notified, pass } = aWatch()
  const other = aRealm()
  other.metadata.name = 'other'
  expect(reach()).toEqual([{ dependency: 'LiveKit', url, state: 'unknown' }])
  reach(other)
  await pass(500)
  expect(reach()).toEqual([{ dependency: 'LiveKit', url, state: 'reachable' }])
  expect([world.asked, notified.sort()]).toEqual([[url], ['main', 'other']])
  await pass(60_000)
  expect(world.asked).toHaveLength(3)
  expect(notified).toHaveLength(2)
})

test('an unreachable server is probed until it is reachable', async () => {
  const { reach, world, notified, pass } = aWatch(false)
  reach()
  await pass(500)
  expect(reach()).toEqual([{ dependency: 'LiveKit', url, state: 'unreachable' }])
  await pass(60_000)
  expect(notified).toEqual(['main'])
  world.isReached = true
  await pass(20_000)
  expect(reach()).toMatchObject([{ state: 'reachable' }])
})

test('a server that restarts does not become unreachable', async () => {
  const { reach, world, notified, pass } = aWatch()
  reach()
  await pass(29_500)
  world.isReached = false
  await pass(2_000)
  expect(reach()).toMatchObject([{ state: 'reachable' }])
  world.isReached = true
  await pass(60_000)
  expect(notified).toEqual(['main'])
})

test('a server that no realm depends on any more is not probed', async () => {
  const { dependencies, reach, world, pass } = aWatch()
  reach()
  await pass(500)
  reach(aRealm({ livekit: { url: 'wss://new.example.org' } }))
  await pass(60_000)
  expect(world.asked.filter((asked) => asked === url)).toHaveLength(1)
  dependencies.forget({ namespace: 'metaverse', name: 'main' })
  const before = world.asked.length
  await pass(60_000)
  expect(world.asked).toHaveLength(before)
})

test('servers that the realm runs itself are not probed', () => {
  const { reach } = aWatch()
  expect(reach(aRealm({ livekit: { type: 'Managed' } }))).toEqual([])
})

test('a Service that a realm names without its namespace is probed in the namespace of that realm', async () => {
  const { reach, world, pass } = aWatch()
  const inNamespace = (namespace: string) => {
    const nats = {
      type: 'External' as const,
      urls: ['nats://nats:4222', 'nats://10.0.0.1', 'nats://nats.infra:4222', 'nats://[fd00::1]'],
    }
    const realm = aRealm({ livekit: { type: 'None' }, nats })
    realm.metadata.namespace = namespace
    return realm
  }
  reach(inNamespace('one'))
  reach(inNamespace('two'))
  await pass(500)
  expect(world.asked.sort()).toEqual([
    'nats://10.0.0.1',
    'nats://[fd00::1]',
    'nats://nats.infra:4222',
    'nats://nats.one.svc:4222',
    'nats://nats.two.svc:4222',
  ])
  expect(reach(inNamespace('two'))?.[0]).toEqual({ dependency: 'NATS', url: 'nats://nats:4222', state: 'reachable' })
})
