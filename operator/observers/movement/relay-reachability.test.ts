import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import { relayText } from '../../../cells/wire/relay-address.ts'
import { relayOf } from '../../desired/movement.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { RelayAnswer } from '../../observed/relay-state.ts'
import { relayMetrics } from './relay-metrics.ts'
import { RelayReachability } from './relay-reachability.ts'

const ofInstallation = { host: 'relay.example.org', port: 7777 }
const external = (host: string, name = 'main') => {
  const realm = aRealm({ movement: { type: 'External', host } })
  return { ...realm, metadata: { ...realm.metadata, name } }
}

function aWatch(answer: RelayAnswer = 'reachable') {
  const clock = new ManualClock()
  const metrics = new Metrics('operator')
  const world = { answer, asked: [] as string[], takesMs: 0 }
  const notified: string[] = []
  const relays = new RelayReachability({
    log: silentLog,
    clock,
    // Delays are at their longest.
    random: () => 1,
    relayOf: (realm) => relayOf(realm, ofInstallation),
    metrics: relayMetrics(metrics),
    probe: ({ address, isManaged }) => {
      world.asked.push(`${isManaged ? 'managed' : 'external'} ${relayText(address)}`)
      return new Promise((resolve) => clock.after(world.takesMs, () => resolve(world.answer)))
    },
  })
  relays.onChange(({ name }) => notified.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  /** One pass of a reconciler over a realm. */
  const see = (realm = aRealm()) => {
    relays.watch(realm)
    return relays.get(realm.metadata)
  }
  return { relays, see, world, notified, pass, metrics }
}

test('a relay is probed once for all realms that name it, and again now and then', async () => {
  const { see, world, notified, pass, metrics } = aWatch()
  expect(see()).toBe('unknown')
  see({ ...aRealm(), metadata: { ...aRealm().metadata, name: 'other' } })
  await pass(500)
  expect(see()).toBe('reachable')
  expect([world.asked, notified.sort()]).toEqual([['managed relay.example.org:7777'], ['main', 'other']])
  await pass(60_000)
  expect(world.asked.length).toBeGreaterThan(4)
  expect(world.asked.length).toBeLessThan(8)
  expect(notified).toHaveLength(2)
  expect(await metrics.registry.metrics()).toMatch(/realm_operator_movement_probes_total\{result="reachable"\} [5-8]/)
})

test('a relay that is gone is reported within 30 s, and within 30 s that it is back, and one that restarts is not', async () => {
  const { see, world, notified, pass } = aWatch()
  see()
  await pass(500)
  Object.assign(world, { answer: 'noAnswer', takesMs: 4_000 } as const)
  await pass(18_000)
  expect(see()).toBe('reachable')
  Object.assign(world, { answer: 'reachable', takesMs: 0 } as const)
  await pass(11_500)
  Object.assign(world, { answer: 'noAnswer', takesMs: 4_000 } as const)
  await pass(30_000)
  expect(see()).toBe('noAnswer')
  await pass(300_000)
  Object.assign(world, { answer: 'reachable', takesMs: 0 } as const)
  await pass(30_000)
  expect(see()).toBe('reachable')
  expect(notified).toEqual(['main', 'main', 'main'])
})

test('a relay that a user names is another one than that of the installation, also with the same host', async () => {
  const { see, world, pass } = aWatch('hostNotResolved')
  see()
  see(external('relay.example.org', 'other'))
  await pass(500)
  expect(world.asked).toEqual(['managed relay.example.org:7777', 'external relay.example.org:7777'])
  expect(see()).toBe('hostNotResolved')
})

test('a relay that no realm names any more is not probed', async () => {
  const { relays, see, world, pass } = aWatch()
  see(external('old.example.org'))
  await pass(500)
  see(external('new.example.org'))
  await pass(60_000)
  expect(world.asked.filter((asked) => asked.includes('old'))).toHaveLength(1)
  expect(see(aRealm({ movement: { type: 'None' } }))).toBeUndefined()
  const before = world.asked.length
  await pass(60_000)
  expect(world.asked).toHaveLength(before)
  see()
  relays.forget(aRealm().metadata)
  expect(relays.get(aRealm().metadata)).toBeUndefined()
})
