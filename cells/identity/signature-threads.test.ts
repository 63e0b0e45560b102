import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { aClient } from './fixtures.ts'
import {
  type SignatureCheck,
  type SignatureThreadEvents,
  SignatureThreads,
  type SignatureThreadsOptions,
} from './signature-threads.ts'

const opened: SignatureThreads[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.close()))
})

const aCheck = (text: string): SignatureCheck => ({ signatures: [{ signer: '0x', text, signature: '0x' }] })
const textsOf = (batch: readonly SignatureCheck[]) => batch.map(({ signatures }) => signatures[0]?.text)

/** A thread whose checks take as long as a test says, on the clock of the test; it answers that all signatures are valid. */
class SlowThread {
  readonly batches: (readonly SignatureCheck[])[] = []
  readonly events: SignatureThreadEvents
  isTerminated = false

  constructor(events: SignatureThreadEvents) {
    this.events = events
  }

  post = (batch: readonly SignatureCheck[]) => {
    this.batches.push(batch)
  }

  terminate = async () => {
    this.isTerminated = true
  }

  answer(): void {
    const batch = this.batches.shift()
    if (batch) this.events.message({ invalid: batch.map(() => -1) })
  }
}

function slowThreads(options: Partial<SignatureThreadsOptions> = {}) {
  const clock = new ManualClock()
  const started: SlowThread[] = []
  const startThread = (events: SignatureThreadEvents) => {
    const thread = new SlowThread(events)
    started.push(thread)
    queueMicrotask(() => events.message({ library: 'native' }))
    return thread
  }
  const limits = { threads: 1, maxWaiting: 1_000, maxWaitMs: 10_000 }
  const threads = new SignatureThreads({ log: silentLog, clock, ...limits, startThread, ...options })
  opened.push(threads)
  const verdicts: Record<string, unknown> = {}
  const check = (text: string, client = aClient()) => {
    threads.check(aCheck(text), client).then((verdict) => {
      verdicts[text] = verdict
    })
  }
  return { clock, started, threads, check, verdicts }
}

/** Lets everything that was resolved run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('while one address sends twenty slow chains a second, a client of another address is served next', async () => {
  const { clock, started, threads, check, verdicts } = slowThreads()
  await threads.warmUp()
  const [thread] = started
  const order: (string | undefined)[] = []
  const takesMs = 400 // so that twenty a second are eight times what the thread can do
  let busyUntil = takesMs
  for (let ms = 0; ms < 5_000; ms += 50) {
    check(`hostile ${ms}`)
    if (ms === 3_000) check('honest', aClient(2))
    await settled()
    if (clock.monotonic() >= busyUntil) {
      const [batch] = thread?.batches ?? []
      order.push(...textsOf(batch ?? []))
      thread?.answer()
      busyUntil = clock.monotonic() + takesMs * (thread?.batches[0]?.length ?? 0)
      await settled()
    }
    clock.advance(50)
  }
  expect(verdicts.honest).toEqual({ invalid: -1 })
  const before = order.slice(0, order.indexOf('honest')).filter((text) => Number(text?.split(' ')[1]) > 3_000)
  // None that came later was checked before; and of those before no more than were with the thread already.
  expect(before).toEqual([])
  expect(threads.pending).toBeGreaterThan(50)
})

test('a thread is given checks in batches, two at a time', async () => {
  const { started, threads, check } = slowThreads()
  await threads.warmUp()
  for (let i = 0; i < 30; i++) check(`${i}`, aClient(i))
  await settled()
  const [thread] = started
  expect(thread?.batches.map((batch) => batch.length)).toEqual([8])
  check('later')
  await settled()
  expect(thread?.batches.map((batch) => batch.length)).toEqual([8, 8])
  thread?.answer()
  expect(thread?.batches.map((batch) => batch.length)).toEqual([8, 8])
  expect(threads.pending).toBe(23)
})

test('what is asked in one turn of the event loop is one message to a thread', async () => {
  const { started, threads, check } = slowThreads()
  await threads.warmUp()
  for (const text of ['a', 'b', 'c']) check(text, aClient(text.charCodeAt(0)))
  expect(started[0]?.batches).toEqual([])
  await settled()
  expect(started[0]?.batches.map(textsOf)).toEqual([['a', 'b', 'c']])
})

test('threads share the work', async () => {
  const { started, threads, check } = slowThreads({ threads: 3 })
  await threads.warmUp()
  for (let i = 0; i < 6; i++) check(`${i}`, aClient(i))
  await settled()
  expect(started.map(({ batches }) => batches.flatMap(textsOf))).toEqual([
    ['0', '1'],
    ['2', '3'],
    ['4', '5'],
  ])
})

test('a check that waits too long is undecided, and costs no thread anything', async () => {
  const { clock, threads, check, verdicts, started } = slowThreads({ maxWaitMs: 3_000 })
  await threads.warmUp()
  for (const text of ['a', 'b', 'c']) check(text)
  await settled()
  clock.advance(3_000)
  await settled()
  expect(verdicts).toEqual({ c: { undecided: 'the check waited too long' } })
  started[0]?.answer()
  await settled()
  expect(Object.keys(verdicts)).toEqual(['c', 'a', 'b'])
  expect(threads.pending).toBe(0)
})

describe('a thread that is lost', () => {
  test('because it does not answer is replaced: what it had is undecided, and what waits goes to the next one', async () => {
    const { clock, started, threads, check, verdicts } = slowThreads()
    await threads.warmUp()
    for (const text of ['a', 'b', 'c']) check(text)
    await settled()
    clock.advance(5_000)
    await settled()
    expect(started.map(({ isTerminated }) => isTerminated)).toEqual([true])
    expect(verdicts).toEqual({ a: { undecided: 'the check was interrupted' }, b: { undecided: 'the check was interrupted' } })
    clock.advance(1_000)
    await settled()
    expect(started).toHaveLength(2)
    started[1]?.answer()
    await settled()
    expect(verdicts.c).toEqual({ invalid: -1 })
    started[0]?.events.exit()
    expect(started).toHaveLength(2)
  })

  test('because it ended is replaced', async () => {
    const { clock, started, threads, check, verdicts } = slowThreads()
    await threads.warmUp()
    check('a')
    await settled()
    started[0]?.events.exit()
    await settled()
    expect(verdicts.a).toEqual({ undecided: 'the check was interrupted' })
    clock.advance(1_000)
    await settled()
    check('b')
    await settled()
    started[1]?.answer()
    await settled()
    expect(verdicts.b).toEqual({ invalid: -1 })
  })

  test('in a loop is ended, whatever it is doing', async () => {
    const workers: Worker[] = []
    const ended = Promise.withResolvers<void>()
    const startThread = ({ message }: SignatureThreadEvents) => {
      const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => { for (;;); })', { eval: true })
      workers.push(worker)
      queueMicrotask(() => message({ library: 'native' }))
      worker.on('exit', () => ended.resolve())
      return { post: (batch: unknown) => worker.postMessage(batch), terminate: () => worker.terminate() }
    }
    const { clock, threads, check, verdicts } = slowThreads({ startThread })
    await threads.warmUp()
    check('a')
    await new Promise((resolve) => workers[0]?.once('online', resolve))
    clock.advance(5_000)
    await ended.promise
    expect(verdicts.a).toEqual({ undecided: 'the check was interrupted' })
  })
})

test('a thread that answers late, but answers, is kept', async () => {
  const { clock, started, threads, check, verdicts } = slowThreads()
  await threads.warmUp()
  check('a')
  await settled()
  check('b')
  await settled()
  clock.advance(4_000)
  started[0]?.answer()
  clock.advance(4_000)
  started[0]?.answer()
  await settled()
  expect(verdicts).toEqual({ a: { invalid: -1 }, b: { invalid: -1 } })
  clock.advance(60_000)
  expect(started.map(({ isTerminated }) => isTerminated)).toEqual([false])
})
