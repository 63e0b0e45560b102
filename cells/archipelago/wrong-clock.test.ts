import { expect, test } from 'vitest'
import { FencingTokens } from '../wire/fencing-token.ts'
import { encodeDisconnect } from '../wire/session-messages.ts'
import { at, peerId } from './core/fixtures.ts'
import { PresenceTable } from './core/presence.ts'
import { anArchipelago } from './fixtures.ts'
import { type ArchipelagoInstance, aTestBus } from './takeover.fixtures.ts'

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]
const HOUR_MS = 3_600_000

const activeOf = async (instances: readonly ArchipelagoInstance[]) => {
  const active: string[] = []
  for (const instance of instances) if ((await instance.metric('active')) === 1) active.push(instance.name)
  return active
}

/** Three archipelagos whose clocks are ahead by so many hours; the first one is the leader. */
async function threeArchipelagos(aheadHours: readonly number[]) {
  const testBus = aTestBus()
  const instances: ArchipelagoInstance[] = []
  for (const [index, hours] of aheadHours.entries()) {
    instances.push(await testBus.start(['first', 'second', 'third'][index] ?? '', { clockAheadMs: hours * HOUR_MS }))
    await testBus.pass(5_000)
  }
  testBus.walk(A, at(0))
  await testBus.pass(5_000)
  expect(await activeOf(instances)).toEqual(['first'])
  expect(testBus.roomOf(A)).toBeDefined()
  return { testBus, instances }
}

test.each([
  ['was a day ahead', [25, 0, 0]],
  ['was right, and those of the standbys are a day behind', [0, -25, -25]],
  ['was a year ahead, and that of one standby is a day ahead', [365 * 24, 25, 0]],
] as const)('after the leader was killed whose clock %s, one standby takes over and players get islands', async (_, hours) => {
  const { testBus, instances } = await threeArchipelagos(hours)
  const [first, ...standbys] = instances
  const before = testBus.roomOf(A)
  first?.kill()
  testBus.walk(B, at(10))
  await testBus.pass(6_000)
  expect(testBus.roomOf(B)).toBe(before)
  await testBus.pass(30_000)
  const active = await activeOf(standbys)
  expect(active).toHaveLength(1)
  expect(testBus.roomOf(A)).toBe(before)

  standbys.find(({ name }) => name === active[0])?.kill()
  testBus.walk(C, at(20))
  await testBus.pass(6_000)
  expect(testBus.roomOf(C)).toBe(before)
  expect(await activeOf(standbys.filter(({ name }) => name !== active[0]))).toHaveLength(1)
})

test('an archipelago whose clock is a day ahead does not take over from one that works', async () => {
  const { testBus, instances } = await threeArchipelagos([0, 25, 0])
  await testBus.pass(30_000)
  expect(await activeOf(instances)).toEqual(['first'])
})

test('a player of a connector whose clock is a day ahead is accepted at once at their next connector', () => {
  const now = 1_760_000_000_000
  const [ahead, next] = [25 * HOUR_MS, 0].map((aheadMs) => new FencingTokens().next(now + aheadMs, 'connector'))
  const presence = new PresenceTable(10, { dropped: 10_000, drained: 30_000 }, () => now)
  expect(presence.update(A, { session: ahead, position: at(0) }, now)).toBe('new')
  expect(presence.update(A, { session: next, position: at(5) }, now)).toBe('new')
  expect(presence.endSession(A, ahead, 'left', now)).toBe('stale')
  expect(presence.get(A)?.position).toEqual(at(5))
})

test.each([25, -25])('when the clock is set by %i hours no peer is removed, and flushes go on', async (hours) => {
  const world = await anArchipelago()
  world.heartbeat(A, at(0))
  expect(await world.flush()).toHaveLength(1)
  world.clock.jump(hours * HOUR_MS)
  expect(await world.flush()).toEqual([])
  world.heartbeat(B, at(10))
  expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1', peers: { [A]: at(0), [B]: at(10) } }])
  expect(world.service.readiness()).toEqual({ ready: true })
})

test.each([25, -25])('when the clock is set by %i hours the place of a dropped player is kept as long as ever', async (hours) => {
  const world = await anArchipelago()
  world.heartbeat(A, at(0))
  await world.flush()
  world.bus.publish(world.subjects.disconnect(A), encodeDisconnect({ session: undefined, reason: 'dropped' }))
  await world.flush(1_000)
  world.clock.jump(hours * HOUR_MS)
  await world.flush(4_000)
  expect(await world.metric('peers_away ')).toContain('realm_archipelago_peers_away 1')
  await world.flush(8_000)
  expect(await world.metric('peers_away ')).toContain('realm_archipelago_peers_away 0')
})
