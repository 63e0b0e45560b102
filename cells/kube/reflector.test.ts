import { expect, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import type { CollectionChange } from './collection-copy.ts'
import { aList, aThing, scriptedClient } from './fixtures.ts'
import { KubeError } from './kube-error.ts'
import type { KubeList, KubeObject } from './kube-object.ts'
import { createReflector, type KindAbsence } from './reflector.ts'

const aReflector = (...lists: (KubeList<KubeObject> | Error)[]) => start(lists)

const start = (lists: (KubeList<KubeObject> | Error)[], optional?: { onChange(absence: KindAbsence | undefined): void }) => {
  const clock = new ManualClock()
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_: object, text: string) => warnings.push(text) } as unknown as typeof silentLog
  const scripted = scriptedClient(lists)
  const changes: CollectionChange<KubeObject>[] = []
  const reflector = createReflector<KubeObject>({
    client: scripted.client,
    path: '/api/v1/things',
    selector: { labels: 'app=x' },
    project: (live) => live,
    onChange: (change) => changes.push(change),
    log,
    clock,
    random: () => 1,
    ...(optional && { optional }),
  })
  reflector.start()
  const seen = () =>
    changes.splice(0).map(({ type, object }) => `${type} ${object.metadata.name}@${object.metadata.resourceVersion}`)
  const watch = (index: number) => vi.waitUntil(() => scripted.watches[index])
  return { ...scripted, reflector, clock, changes, seen, watch, warnings }
}

/** Waits until pending microtasks have run, then advances the clock. */
const pass = async (clock: ManualClock, ms: number) => {
  await new Promise(setImmediate)
  clock.advance(ms)
  await new Promise(setImmediate)
}

test('lists in pages, as of now, then watches from there with the same selectors', async () => {
  const { reflector, listQueries, watch, seen } = aReflector(aList('5', [aThing('a', '3'), aThing('b', '5')]))
  expect(reflector.healthy()).toBe(false)
  await reflector.synced
  expect(reflector.healthy()).toBe(true)
  expect(seen()).toEqual(['added a@3', 'added b@5'])
  expect(listQueries).toMatchObject([{ labelSelector: 'app=x', limit: 500 }])
  expect(listQueries[0]).not.toHaveProperty('resourceVersion')
  const { query, send } = await watch(0)
  expect(query).toMatchObject({ labelSelector: 'app=x', resourceVersion: '5', allowWatchBookmarks: true, timeoutSeconds: 600 })
  send(
    { type: 'MODIFIED', object: aThing('a', '6') },
    { type: 'DELETED', object: aThing('b', '7') },
    { type: 'ADDED', object: aThing('c', '8') },
    { type: 'ADDED', object: aThing('c', '8') },
  )
  expect(seen()).toEqual(['changed a@6', 'removed b@7', 'added c@8'])
  expect(reflector.list().map(({ metadata }) => metadata.name)).toEqual(['a', 'c'])
  expect(reflector.get({ namespace: 'default', name: 'c' })?.metadata.resourceVersion).toBe('8')
  await reflector.stop()
})

test('a stream that the server ends is opened again from the last version received, bookmarks included', async () => {
  const { reflector, clock, watch, listQueries } = aReflector(aList('5', []))
  const first = await watch(0)
  first.send({ type: 'BOOKMARK', object: aThing('', '99') })
  clock.advance(5000)
  first.end()
  expect((await watch(1)).query.resourceVersion).toBe('99')
  expect(listQueries).toHaveLength(1)
  await reflector.stop()
})

test('a broken stream is resumed after a growing pause, and the pause shrinks again after two healthy minutes', async () => {
  const { reflector, clock, watch, watches } = aReflector(aList('5', []))
  for (const [index, pauseMs] of [800, 1600, 3200].entries()) {
    ;(await watch(index)).fail(new Error('reset'))
    await pass(clock, pauseMs - 1)
    expect(watches).toHaveLength(index + 1)
    await pass(clock, 1)
    await watch(index + 1)
  }
  clock.advance(120_000)
  ;(await watch(3)).fail(new Error('reset'))
  await pass(clock, 800)
  await watch(4)
  await reflector.stop()
})

test('after an expired version it lists page by page, and reports only what differs', async () => {
  const pages = [aList('20', [aThing('a', '3')], 'more'), aList('20', [aThing('c', '12')])]
  const { reflector, clock, watch, seen, listQueries } = aReflector(
    aList('5', [aThing('a', '3'), aThing('b', '5'), aThing('c', '4')]),
    ...pages,
  )
  const first = await watch(0)
  seen()
  first.send({ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } as unknown as KubeObject })
  await pass(clock, 0)
  expect((await watch(1)).query.resourceVersion).toBe('20')
  expect(seen()).toEqual(['removed b@5', 'changed c@12'])
  expect(listQueries.slice(1)).toEqual([
    { labelSelector: 'app=x', limit: 500 },
    { labelSelector: 'app=x', limit: 500, continue: 'more' },
  ])
  await reflector.stop()
})

test('a 410 in the middle of paging starts the list again', async () => {
  const gone = new KubeError('list', 410, { reason: 'Expired' })
  const { reflector, clock, watch, seen } = aReflector(
    aList('5', []),
    aList('20', [aThing('a', '3')], 'more'),
    gone,
    aList('21', [aThing('a', '21')]),
  )
  ;(await watch(0)).fail(gone)
  await pass(clock, 0)
  await pass(clock, 1600)
  expect((await watch(1)).query.resourceVersion).toBe('21')
  expect(seen()).toEqual(['added a@21'])
  await reflector.stop()
})

test('a server restored from a backup is listed again', async () => {
  const { reflector, clock, watch } = aReflector(aList('500', []), aList('20', []))
  ;(await watch(0)).fail(
    new KubeError('watch', 504, { reason: 'Timeout', message: 'Too large resource version: 500, current: 20' }),
  )
  await pass(clock, 0)
  expect((await watch(1)).query.resourceVersion).toBe('20')
  await reflector.stop()
})

test('a retry waits for as long as the server asks', async () => {
  const { reflector, clock, watches, watch } = aReflector(new KubeError('list', 429, {}, 7000), aList('5', []))
  await pass(clock, 6999)
  expect(watches).toHaveLength(0)
  await pass(clock, 1)
  await watch(0)
  await reflector.stop()
})

test('a watch without events for longer than bookmarks take is aborted and opened again', async () => {
  const { reflector, clock, watch, warnings } = aReflector(aList('5', []))
  const first = await watch(0)
  clock.advance(100_000)
  first.send({ type: 'BOOKMARK', object: aThing('', '6') })
  clock.advance(149_999)
  expect(first.aborted).toBe(false)
  clock.advance(1)
  expect(first.aborted).toBe(true)
  await pass(clock, 800)
  expect((await watch(1)).query.resourceVersion).toBe('6')
  expect(warnings).toEqual(['a watch ended early'])
  await reflector.stop()
})

test('a quiet collection for which the server sends no bookmarks is watched anew, which is no failure', async () => {
  const { reflector, clock, watch, watches, warnings } = aReflector(aList('5', []))
  for (let index = 0; index < 4; index++) {
    const { query } = await watch(index)
    expect(query.resourceVersion).toBe('5')
    await pass(clock, 150_000)
  }
  await watch(4)
  expect([watches.length, warnings, reflector.healthy()]).toEqual([5, [], true])
  await reflector.stop()
})

test('a server that ends watches at once is not flooded with requests', async () => {
  const { reflector, clock, watch, watches } = aReflector(aList('5', []))
  ;(await watch(0)).end()
  await pass(clock, 799)
  expect(watches).toHaveLength(1)
  await pass(clock, 1)
  await watch(1)
  await reflector.stop()
})

test('is unhealthy two minutes after the server became unreachable, and healthy again once it answers', async () => {
  const { reflector, clock, watch, client } = aReflector(aList('5', []))
  const watching = client.watch
  const first = await watch(0)
  client.watch = async () => {
    throw new Error('connection refused')
  }
  first.fail(new Error('reset'))
  await pass(clock, 0)
  expect(reflector.healthy()).toBe(true)
  for (let waited = 0; waited <= 120_000; waited += 30_000) await pass(clock, 30_000)
  expect(reflector.healthy()).toBe(false)
  client.watch = watching
  await pass(clock, 30_000)
  await watch(1)
  expect(reflector.healthy()).toBe(true)
  await reflector.stop()
})

test('an exception in a listener does not affect the copy', async () => {
  const scripted = scriptedClient([aList('5', [aThing('a', '3')])])
  const reflector = createReflector<KubeObject>({
    client: scripted.client,
    path: '/api/v1/things',
    project: (live) => live,
    onChange: () => {
      throw new Error('a bug')
    },
    log: silentLog,
  })
  reflector.start()
  const { send } = await vi.waitUntil(() => scripted.watches[0])
  send({ type: 'MODIFIED', object: aThing('a', '6') })
  expect(reflector.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion).toBe('6')
  await reflector.stop()
})

test('a kept object has neither managed fields nor the last applied configuration, and has its kind', async () => {
  const noisy = aThing('a', '3')
  Object.assign(noisy.metadata, {
    managedFields: [{}],
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: '1' },
  })
  const { apiVersion: _, kind: __, ...bare } = noisy
  const { reflector } = aReflector(aList('5', [bare as KubeObject]))
  await reflector.synced
  expect(reflector.list()).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Thing',
      metadata: { namespace: 'default', name: 'a', resourceVersion: '3', labels: {}, annotations: { mine: '1' } },
    },
  ])
  await reflector.stop()
})

test('stopping ends an open watch as well as a pause', async () => {
  const open = aReflector(aList('5', []))
  await open.watch(0)
  await open.reflector.stop()
  const pausing = aReflector(new Error('refused'))
  await new Promise(setImmediate)
  await pausing.reflector.stop()
})

test.each([
  [404, 'NotServed', 15_000],
  [403, 'Forbidden', 45_000],
] as const)(
  'an optional collection that is answered with %i is empty until it is there, which is no failure',
  async (status, absence, retryMs) => {
    const changes: (KindAbsence | undefined)[] = []
    const refusal = new KubeError('GET /api/v1/things', status, {})
    const { reflector, seen, warnings, clock, watch } = start(
      [refusal, aList('5', [aThing('a', '3')]), refusal, aList('9', [aThing('b', '9')])],
      { onChange: (now) => changes.push(now) },
    )
    await reflector.synced
    expect([reflector.absence, reflector.healthy(), reflector.list(), warnings]).toEqual([absence, true, [], []])
    await pass(clock, retryMs - 1)
    expect(reflector.absence).toBe(absence)
    await pass(clock, 1)
    const { fail } = await watch(0)
    expect([reflector.absence, seen()]).toEqual([undefined, ['added a@3']])

    fail(refusal)
    await vi.waitUntil(() => reflector.absence === absence)
    expect([seen(), reflector.healthy()]).toEqual([['removed a@3'], true])
    await pass(clock, retryMs)
    await pass(clock, retryMs)
    await watch(1)
    expect(seen()).toEqual(['added b@9'])
    expect(changes).toEqual([absence, undefined, absence, undefined])
    await reflector.stop()
  },
)

test('a collection that is needed is not taken for empty because it is not served', async () => {
  const { reflector, warnings, clock } = aReflector(new KubeError('GET /api/v1/things', 404, {}), aList('5', [aThing('a', '3')]))
  await pass(clock, 0)
  expect([reflector.healthy(), warnings.length]).toEqual([false, 1])
  await pass(clock, 60_000)
  await reflector.synced
  expect([reflector.absence, reflector.list().length]).toEqual([undefined, 1])
  await reflector.stop()
})
