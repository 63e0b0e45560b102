import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { WriteOptions } from '../../cells/kube/kube-client.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type ElectorOptions, FRESH_MS, LeaderElector, TRUST_MS } from './elector.ts'
import { NotLeading } from './leadership.ts'
import type { LeaderLease } from './lease.ts'

/**
 * A server that holds one lease, with compare-and-set and a watch; `reachable: false` cuts a client off, and `slowMs` delays the
 * answers to its writes.
 */
function aLeaseServer(clock: ManualClock) {
  let lease: LeaderLease | undefined
  let version = 0
  const watchers = new Set<(type: 'MODIFIED' | 'DELETED', lease: LeaderLease) => void>()
  const put = (next: LeaderLease): LeaderLease => {
    lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(++version) } }
    for (const notify of watchers) notify('MODIFIED', lease)
    return lease
  }
  const conflict = () => new KubeError('write', 409, { reason: 'Conflict' })
  const client = () => {
    const reach = { reachable: true, watching: true, slowMs: 0 }
    const here = async () => {
      if (!reach.reachable) throw new Error('connection refused')
    }
    const slowly = (answer: LeaderLease, { timeoutMs = 10_000 }: { timeoutMs?: number } = {}) =>
      new Promise<LeaderLease>((resolve, reject) => {
        if (reach.slowMs === 0) resolve(answer)
        else if (reach.slowMs < timeoutMs) clock.after(reach.slowMs, () => resolve(answer))
        else clock.after(timeoutMs, () => reject(new Error('no answer in time')))
      })
    const client = {
      async list() {
        await here()
        return { apiVersion: '', kind: 'LeaseList', metadata: { resourceVersion: String(version) }, items: lease ? [lease] : [] }
      },
      watch: (
        _path: string,
        { signal, onEvent }: { signal: AbortSignal; onEvent: (event: { type: string; object: KubeObject }) => void },
      ) =>
        new Promise<void>((_resolve, reject) => {
          const notify = (type: string, object: LeaderLease) => {
            if (reach.reachable && reach.watching) onEvent({ type, object })
          }
          watchers.add(notify)
          signal.addEventListener('abort', () => {
            watchers.delete(notify)
            reject(signal.reason)
          })
        }),
      async get() {
        await here()
        return lease
      },
      async create(_resource: unknown, next: LeaderLease, options?: WriteOptions) {
        await here()
        if (lease) throw conflict()
        return slowly(put(next), options)
      },
      async replace(_resource: unknown, next: LeaderLease, options?: WriteOptions) {
        await here()
        if (!lease) throw new KubeError('write', 404, {})
        if (lease.metadata.resourceVersion !== next.metadata.resourceVersion) throw conflict()
        return slowly(put(next), options)
      },
    } as unknown as ElectorOptions['client']
    return { reach, client }
  }
  return {
    client,
    put,
    current: () => lease,
    remove() {
      const deleted = lease
      lease = undefined
      if (deleted) for (const notify of watchers) notify('DELETED', deleted)
    },
  }
}

function anElection() {
  const clock = new ManualClock()
  const server = aLeaseServer(clock)
  const story: string[] = []
  const elector = (identity: string) => {
    const { reach, client } = server.client()
    const created = new LeaderElector({
      client,
      lease: { namespace: 'default', name: 'operator' },
      identity,
      onElected: () => story.push(`${identity} leads`),
      onLost: () => story.push(`${identity} lost`),
      log: silentLog,
      clock,
      random: () => 0.5,
    })
    created.start()
    return Object.assign(created, { reach })
  }
  /** Lets time pass in small steps, so that answers arrive in between. */
  const pass = async (ms: number) => {
    for (let left = ms; left >= 0; left -= 100) {
      await new Promise(setImmediate)
      clock.advance(Math.min(100, left))
    }
    await new Promise(setImmediate)
  }
  return { clock, server, story, elector, pass }
}

test('the first operator leads at once and keeps the lease; the second waits', async () => {
  const { server, story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const b = elector('b')
  await pass(60_000)
  expect(story).toEqual(['a leads'])
  expect([a.isLeader(), b.isLeader()]).toEqual([true, false])
  await expect(b.fence()).rejects.toThrow(NotLeading)
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 })
  expect(server.current()?.spec.renewTime).toMatch(/\.\d{6}Z$/)
})

test('a released lease is taken at once by an operator that waits', async () => {
  const { story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  elector('b')
  await pass(5000)
  await a.stop()
  await pass(100)
  expect(story).toEqual(['a leads', 'a lost', 'b leads'])
})

test('the epoch of a new leader is greater than the one before, even when its clock is behind', async () => {
  const { server, elector, pass, clock } = anElection()
  const a = elector('a')
  await pass(0)
  const ahead = clock.now() + 3_600_000
  const lease = server.current()
  if (!lease) throw new Error('a took the lease')
  server.put({ ...lease, spec: { ...lease.spec, holderIdentity: '', acquireTime: new Date(ahead).toISOString() } })
  await a.stop()
  const b = elector('b')
  await pass(5000)
  expect(b.isLeader()).toBe(true)
  expect(b.epoch()).toBeGreaterThan(ahead)
})

test('a leader that loses its connection stops before its lease expires and another operator takes it', async () => {
  const { clock, server, story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  elector('b')
  await pass(5000)
  const { signal, guard } = await a.fence()
  a.reach.reachable = false
  const silentSince = clock.now()
  await pass(TRUST_MS)
  expect(a.isLeader()).toBe(false)
  expect(signal.aborted).toBe(true)
  expect(guard).toThrow(NotLeading)
  expect(story).toEqual(['a leads', 'a lost'])
  while (!story.includes('b leads')) await pass(100)
  expect(clock.now() - silentSince).toBeLessThan(17_000)
  a.reach.reachable = true
  await pass(60_000)
  expect(story).toEqual(['a leads', 'a lost', 'b leads'])
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
})

test('a leader whose process was paused no longer leads when it resumes, before any timer fires', async () => {
  const { clock, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const paused = clock.monotonic
  clock.monotonic = () => paused() + TRUST_MS
  expect(a.isLeader()).toBe(false)
})

test('no write begins after an old renewal: the lease is renewed first, or nothing is written', async () => {
  const { clock, server, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const { resourceVersion } = server.current()?.metadata ?? {}
  await a.fence()
  expect(server.current()?.metadata.resourceVersion).toBe(resourceVersion)
  const paused = clock.monotonic
  clock.monotonic = () => paused() + FRESH_MS
  await a.fence()
  expect(server.current()?.metadata.resourceVersion).not.toBe(resourceVersion)
  clock.monotonic = () => paused() + 2 * FRESH_MS
  a.reach.reachable = false
  expect(a.isLeader()).toBe(true)
  await expect(a.fence()).rejects.toThrow(NotLeading)
})

test('an operator whose watch delivers nothing does not take a lease that is being renewed', async () => {
  const { story, elector, pass } = anElection()
  elector('a')
  await pass(0)
  const b = elector('b')
  await pass(0)
  b.reach.watching = false
  await pass(120_000)
  expect(story).toEqual(['a leads'])
})

test('a leader whose lease has another holder stops at its next renewal', async () => {
  const { server, story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const lease = server.current()
  if (!lease) throw new Error('there is no lease')
  server.put({ ...lease, spec: { ...lease.spec, holderIdentity: 'another', leaseDurationSeconds: 3600 } })
  await pass(2500)
  expect(a.isLeader()).toBe(false)
  expect(story).toEqual(['a leads', 'a lost'])
})

test('a deleted lease stays with its leader: no other operator takes it', async () => {
  const { server, story, elector, pass } = anElection()
  elector('a')
  await pass(0)
  elector('b')
  await pass(5000)
  server.remove()
  await pass(60_000)
  expect(story).toEqual(['a leads'])
  expect(server.current()?.spec.holderIdentity).toBe('a')
})

test('of two operators that start at the same moment one leads', async () => {
  const { story, elector, pass } = anElection()
  const [a, b] = [elector('a'), elector('b')]
  await pass(30_000)
  expect(story).toHaveLength(1)
  expect([a.isLeader(), b.isLeader()].filter(Boolean)).toHaveLength(1)
})

test('a leader that lost its lease in an outage leads again afterwards, when no other operator took it', async () => {
  const { story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  a.reach.reachable = false
  await pass(20_000)
  a.reach.reachable = true
  await pass(5000)
  expect(story).toEqual(['a leads', 'a lost', 'a leads'])
})

test.each([2_500, 4_500])('a leader whose API server answers after %i ms stays the leader, and may write', async (slowMs) => {
  const { server, story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  elector('b')
  a.reach.slowMs = slowMs
  for (let seconds = 0; seconds < 120; seconds++) {
    await pass(1_000)
    const fence = a.fence()
    await pass(5_000)
    expect((await fence).signal.aborted).toBe(false)
  }
  expect(story).toEqual(['a leads'])
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 })
})

test('a leader that never sees an answer to its renewals stops before another one takes the lease', async () => {
  const { story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const b = elector('b')
  await pass(5_000)
  a.reach.slowMs = 60_000
  while (a.isLeader()) await pass(100)
  expect([story, b.isLeader()]).toEqual([['a leads', 'a lost'], false])
})

test.each([
  ['back', -3_600_000],
  ['forward', 3_600_000],
])('a time of day that is set %s changes no leader', async (_, byMs) => {
  const { clock, story, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const b = elector('b')
  await pass(5_000)
  clock.jump(byMs)
  expect(a.isLeader()).toBe(true)
  await a.fence()
  await pass(60_000)
  expect(story).toEqual(['a leads'])
  a.reach.reachable = false
  clock.jump(byMs)
  while (a.isLeader()) await pass(100)
  expect(b.isLeader()).toBe(false)
  while (!story.includes('b leads')) await pass(100)
})

test('a leader whose machine was suspended, which stops the clock of spans, renews before it writes', async () => {
  const { clock, server, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const lease = server.current()
  if (!lease) throw new Error('a took the lease')
  server.put({ ...lease, spec: { ...lease.spec, holderIdentity: 'b' } })
  clock.jump(60_000)
  await expect(a.fence()).rejects.toThrow(NotLeading)
  expect(a.isLeader()).toBe(false)
})
