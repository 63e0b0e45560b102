import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type ElectorOptions, FRESH_MS, LeaderElector, TRUST_MS } from './elector.ts'
import { NotLeading } from './leadership.ts'
import type { LeaderLease } from './lease.ts'

/** A server that holds one lease, with compare-and-set and a watch; `reachable: false` cuts a client off. */
function aLeaseServer() {
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
    const reach = { reachable: true, watching: true }
    const here = async () => {
      if (!reach.reachable) throw new Error('connection refused')
    }
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
      async create(_resource: unknown, next: LeaderLease) {
        await here()
        if (lease) throw conflict()
        return put(next)
      },
      async replace(_resource: unknown, next: LeaderLease) {
        await here()
        if (!lease) throw new KubeError('write', 404, {})
        if (lease.metadata.resourceVersion !== next.metadata.resourceVersion) throw conflict()
        return put(next)
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
  const server = aLeaseServer()
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
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 10, leaseTransitions: 0 })
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
  expect(clock.now() - silentSince).toBeLessThan(12_000)
  a.reach.reachable = true
  await pass(60_000)
  expect(story).toEqual(['a leads', 'a lost', 'b leads'])
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
})

test('a leader whose process was paused no longer leads when it resumes, before any timer fires', async () => {
  const { clock, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const paused = clock.now
  clock.now = () => paused() + TRUST_MS
  expect(a.isLeader()).toBe(false)
})

test('no write begins after an old renewal: the lease is renewed first, or nothing is written', async () => {
  const { clock, server, elector, pass } = anElection()
  const a = elector('a')
  await pass(0)
  const { resourceVersion } = server.current()?.metadata ?? {}
  await a.fence()
  expect(server.current()?.metadata.resourceVersion).toBe(resourceVersion)
  const paused = clock.now
  clock.now = () => paused() + FRESH_MS
  await a.fence()
  expect(server.current()?.metadata.resourceVersion).not.toBe(resourceVersion)
  clock.now = () => paused() + 2 * FRESH_MS
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
