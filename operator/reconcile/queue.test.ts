import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { createLog, silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { Pass } from './pass.ts'
import { type Recheck, WorkQueue, type WorkQueueOptions } from './queue.ts'
import { queueMetrics } from './queue-metrics.ts'

/** A queue whose passes the test ends one by one. */
function aQueue(options: Partial<WorkQueueOptions> = {}) {
  const clock = new ManualClock()
  const passes: { key: string; signal: AbortSignal; done: (recheck?: Recheck) => Promise<void>; fail: () => Promise<void> }[] = []
  const queue = new WorkQueue({
    reconcile: (key, signal) =>
      new Promise<Recheck>((resolve, reject) => {
        passes.push({
          key,
          signal,
          done: (recheck = 'on-change') => Promise.resolve(resolve(recheck)).then(settled),
          fail: () => Promise.resolve(reject(new Error('refused'))).then(settled),
        })
      }),
    clock,
    log: silentLog,
    workers: 2,
    random: () => 0,
    ...options,
  })
  const keys = () => passes.map(({ key }) => key)
  const pass = (index: number) => {
    const found = passes[index]
    if (!found) throw new Error(`there was no pass ${index}: ${keys()}`)
    return found
  }
  return { queue, clock, passes, keys, pass }
}
const settled = () => new Promise<void>(setImmediate)

test('keys wait until the queue starts, and get one pass each', () => {
  const { queue, keys } = aQueue()
  queue.add('a')
  queue.add('b')
  queue.add('a')
  expect(keys()).toEqual([])
  expect(queue.waiting).toEqual(['a', 'b'])
  queue.start()
  expect(keys()).toEqual(['a', 'b'])
  expect(queue.waiting).toEqual([])
})

test('a key added during its pass gets another pass after it, and never two at once', async () => {
  const { queue, keys, pass } = aQueue()
  queue.start()
  queue.add('a')
  queue.add('a')
  queue.add('a')
  expect(keys()).toEqual(['a'])
  await pass(0).done()
  expect(keys()).toEqual(['a', 'a'])
  await pass(1).done()
  expect(keys()).toEqual(['a', 'a'])
  expect(queue.idle).toBe(true)
})

test('passes of different keys run at the same time, as many as there are workers', async () => {
  const { queue, keys, pass } = aQueue()
  queue.start()
  for (const key of ['a', 'b', 'c']) queue.add(key)
  expect(keys()).toEqual(['a', 'b'])
  await pass(1).done()
  expect(keys()).toEqual(['a', 'b', 'c'])
})

test('a change goes before a resync', async () => {
  const { queue, keys, pass } = aQueue({ workers: 1 })
  for (const key of ['a', 'b', 'c']) queue.add(key, 'resync')
  queue.add('d')
  queue.add('c')
  queue.start()
  for (const index of [0, 1, 2]) await pass(index).done()
  expect(keys()).toEqual(['d', 'c', 'a', 'b'])
})

test('a resync does not make a waiting change less urgent', async () => {
  const { queue, keys, pass } = aQueue({ workers: 1 })
  queue.add('a', 'resync')
  queue.add('b')
  queue.add('b', 'resync')
  queue.start()
  await pass(0).done()
  expect(keys()).toEqual(['b', 'a'])
})

test('a failing key is retried after a delay that doubles, and starts over once a pass succeeds', async () => {
  const { queue, clock, keys, pass } = aQueue()
  queue.start()
  queue.add('a')
  for (const [index, pauseMs] of [5, 10, 20, 40].entries()) {
    await pass(index).fail()
    clock.advance(pauseMs - 1)
    expect(keys()).toHaveLength(index + 1)
    clock.advance(1)
    expect(keys()).toHaveLength(index + 2)
  }
  await pass(4).done()
  queue.add('a')
  await pass(5).fail()
  clock.advance(5)
  expect(keys()).toHaveLength(7)
})

test('the delay between retries does not grow beyond the longest for what was thrown', async () => {
  const { queue, clock, passes, pass } = aQueue({ longestRetryMs: (thrown) => (String(thrown).includes('refused') ? 30_000 : 1) })
  queue.start()
  queue.add('a')
  for (let index = 0; index < 30; index++) {
    await pass(index).fail()
    clock.advance(30_000)
    expect(passes).toHaveLength(index + 2)
  }
  await pass(30).fail()
  clock.advance(29_999)
  expect(passes).toHaveLength(31)
})

test('keys that fail together for long are not retried together', async () => {
  let draws = 0
  const { queue, clock, passes } = aQueue({ workers: 3, random: () => (draws++ % 3) / 2 })
  queue.start()
  for (const key of ['a', 'b', 'c']) queue.add(key)
  const failAll = async () => {
    for (const each of passes.splice(0)) await each.fail()
  }
  for (let round = 0; round < 20; round++) {
    await failAll()
    clock.advance(300_000)
  }
  await failAll()
  const retried = [239_000, 1_000, 30_000, 30_000].map((ms) => {
    clock.advance(ms)
    return passes.length
  })
  expect(retried).toEqual([0, 1, 2, 3])
})

test('all retries together are limited: a hundred at once, then ten a second', async () => {
  const { queue, clock, passes, pass } = aQueue({ workers: 200 })
  queue.start()
  for (let index = 0; index < 120; index++) queue.add(`Realm/a/k${index}`)
  for (let index = 0; index < 120; index++) await pass(index).fail()
  clock.advance(5)
  expect(passes).toHaveLength(220)
  clock.advance(995)
  expect(passes).toHaveLength(230)
  clock.advance(1000)
  expect(passes).toHaveLength(240)
})

test('a change of a failing key does not wait for its next retry', async () => {
  const { queue, keys, pass } = aQueue()
  queue.start()
  queue.add('a')
  await pass(0).fail()
  queue.add('a')
  expect(keys()).toEqual(['a', 'a'])
})

test('a recheck happens after its delay, unless another pass came before it', async () => {
  const { queue, clock, keys, pass } = aQueue()
  queue.start()
  queue.add('a')
  await pass(0).done({ afterMs: 1000 })
  clock.advance(500)
  queue.add('a')
  await pass(1).done({ afterMs: 1000 })
  clock.advance(999)
  expect(keys()).toEqual(['a', 'a'])
  clock.advance(1)
  expect(keys()).toEqual(['a', 'a', 'a'])
})

test('of several delays for a key the earliest holds', () => {
  const { queue, clock, keys } = aQueue()
  queue.start()
  queue.addAfter('a', 1000)
  queue.addAfter('a', 100)
  queue.addAfter('a', 5000)
  clock.advance(100)
  expect(keys()).toEqual(['a'])
  clock.advance(10_000)
  expect(keys()).toEqual(['a'])
})

test('a pass that exceeds its deadline is aborted, and keeps its key but not its worker', async () => {
  const { queue, clock, keys, pass } = aQueue({ workers: 1, deadlineMs: 1000 })
  queue.start()
  queue.add('a')
  queue.add('b')
  clock.advance(1000)
  expect(pass(0).signal.aborted).toBe(true)
  expect(keys()).toEqual(['a', 'b'])
  queue.add('a')
  await pass(1).done()
  expect(keys()).toEqual(['a', 'b'])
  await pass(0).done()
  expect(keys()).toEqual(['a', 'b', 'a'])
})

test('an exception before the first await is a failure like any other', async () => {
  let passes = 0
  const { queue, clock } = aQueue({
    reconcile: () => {
      passes++
      throw new Error('a bug')
    },
  })
  queue.start()
  queue.add('a')
  await settled()
  clock.advance(5)
  expect(passes).toBe(2)
})

test('pausing aborts passes under way, waits for them, and keeps the other keys for later', async () => {
  const { queue, keys, pass } = aQueue({ workers: 1 })
  queue.start()
  queue.add('a')
  queue.add('b')
  let paused = false
  const pausing = queue.pause().then(() => {
    paused = true
  })
  expect(pass(0).signal.aborted).toBe(true)
  await settled()
  expect(paused).toBe(false)
  await pass(0).fail()
  await pausing
  expect(keys()).toEqual(['a'])
  queue.start()
  await pass(1).done()
  expect(keys()).toEqual(['a', 'b', 'a'])
})

test('a stopped queue waits for passes under way and accepts no more keys', async () => {
  const { queue, clock, keys, pass } = aQueue()
  queue.start()
  queue.add('a')
  queue.addAfter('b', 10)
  const stopping = queue.stop()
  await pass(0).done({ afterMs: 1 })
  await stopping
  queue.add('c')
  queue.start()
  clock.advance(1000)
  expect(keys()).toEqual(['a'])
})

test('a pass that ignores its deadline for five minutes is a fault: its object would never get another one', async () => {
  const { queue, clock, pass } = aQueue({ deadlineMs: 1000 })
  queue.start()
  queue.add('a')
  clock.advance(301_000)
  expect(queue.fault()).toBeUndefined()
  clock.advance(1)
  expect(queue.fault()).toBe('a pass of a does not end')
  await pass(0).done()
  expect(queue.fault()).toBeUndefined()
})

test('keys that wait while passes begin, or while this replica does not lead, are no fault', async () => {
  const { queue, clock, pass } = aQueue({ workers: 1, deadlineMs: 1_000_000 })
  queue.add('z', 'resync')
  clock.advance(600_000)
  expect(queue.fault()).toBeUndefined()
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
  queue.start()
  for (const index of [0, 1, 2, 3]) {
    clock.advance(200_000)
    await pass(index).done()
    expect(queue.fault()).toBeUndefined()
  }
})

test('a key that gets no pass for five minutes though none has begun meanwhile is a fault', () => {
  const { queue, clock } = aQueue({ workers: 1, deadlineMs: 1_000_000 })
  queue.start()
  queue.add('a')
  clock.advance(100_000)
  queue.add('b')
  clock.advance(300_000)
  expect(queue.fault()).toBeUndefined()
  clock.advance(1)
  expect(queue.fault()).toBe('objects wait for a pass and none begins')
})

test('each line that is logged on behalf of a pass has its id, and what the pass started and left behind has none', async () => {
  const lines: { msg: string; reconcileID?: string; key?: string }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createLog('test', 'debug', { destination, fields: Pass.fields })
  const clock = new ManualClock()
  const queue = new WorkQueue({
    reconcile: async (key) => {
      log.info('begins')
      clock.after(50, () => log.info('probed'))
      await settled()
      log.info({ key: 'written' }, 'writes')
      if (key === 'Realm/a/bad') throw new Error('refused')
      return 'on-change'
    },
    ...{ clock, log, workers: 2, random: () => 0 },
  })
  queue.start()
  queue.add('Realm/a/good')
  queue.add('Realm/a/bad')
  while (!queue.idle) await settled()
  clock.advance(50)
  const [good, bad] = ['Realm/a/good', 'Realm/a/bad'].map((of) => lines.find(({ key }) => key === of)?.reconcileID)
  expect(good).toMatch(/^[0-9a-f-]{36}$/)
  expect(bad).toMatch(/^[0-9a-f-]{36}$/)
  expect(good).not.toBe(bad)
  const ofBad = lines.filter(({ reconcileID }) => reconcileID === bad)
  expect(ofBad.slice(0, 3).map(({ msg, key }) => [msg, key])).toEqual([
    ['begins', 'Realm/a/bad'],
    ['writes', 'written'],
    ['a pass failed and will be retried', 'Realm/a/bad'],
  ])
  const probed = lines.filter(({ msg }) => msg === 'probed')
  expect(probed.length).toBeGreaterThan(1)
  for (const { reconcileID } of probed) expect(reconcileID).toBeUndefined()
})

test('five thousand keys at once get one pass each, and are counted', async () => {
  const metrics = new Metrics('test')
  let passes = 0
  const { queue } = aQueue({
    workers: 4,
    metrics: queueMetrics(metrics, { waiting: () => queue.waiting, workers: 4, clock: new ManualClock() }),
    reconcile: async () => {
      passes++
      return 'on-change'
    },
  })
  queue.start()
  for (let index = 0; index < 5000; index++) queue.add(`k${index}`)
  expect(await metrics.registry.metrics()).toContain('realm_test_queue_depth 4996')
  while (!queue.idle) await settled()
  expect(passes).toBe(5000)
  expect(await metrics.registry.metrics()).toContain('realm_test_pass_duration_seconds_count{outcome="success"} 5000')
})

test('passes are counted by their controller and result, as those of controller-runtime are', async () => {
  const metrics = new Metrics('test')
  const clock = new ManualClock()
  const { queue, pass } = aQueue({ clock, metrics: queueMetrics(metrics, { waiting: () => queue.waiting, workers: 2, clock }) })
  const shown = async () => (await metrics.registry.metrics()).split('\n')
  queue.start()
  for (const key of ['Realm/a/main', 'CommsCell/a/main-0', 'Realm/a/other']) queue.add(key)
  clock.advance(3000)
  const names = (controller: string) => `{name="${controller}",controller="${controller}"}`
  expect(await shown()).toEqual(
    expect.arrayContaining([
      'controller_runtime_active_workers{controller="realm"} 1',
      'controller_runtime_active_workers{controller="commscell"} 1',
      'controller_runtime_max_concurrent_reconciles{controller="commscell"} 2',
      `workqueue_depth${names('realm')} 1`,
      `workqueue_depth${names('commscell')} 0`,
      `workqueue_adds_total${names('realm')} 2`,
      `workqueue_unfinished_work_seconds${names('realm')} 3`,
      `workqueue_longest_running_processor_seconds${names('commscell')} 3`,
      'controller_runtime_reconcile_errors_total{controller="realm"} 0',
    ]),
  )
  await pass(0).done({ afterMs: 60_000 })
  await pass(1).fail()
  await pass(2).done()
  expect(await shown()).toEqual(
    expect.arrayContaining([
      'controller_runtime_active_workers{controller="realm"} 0',
      'controller_runtime_reconcile_total{controller="realm",result="requeue_after"} 1',
      'controller_runtime_reconcile_total{controller="realm",result="success"} 1',
      'controller_runtime_reconcile_total{controller="commscell",result="error"} 1',
      'controller_runtime_reconcile_errors_total{controller="commscell"} 1',
      'controller_runtime_reconcile_time_seconds_sum{controller="commscell"} 3',
      `workqueue_retries_total${names('commscell')} 1`,
      `workqueue_queue_duration_seconds_sum${names('realm')} 3`,
      `workqueue_longest_running_processor_seconds${names('realm')} 0`,
    ]),
  )
})
