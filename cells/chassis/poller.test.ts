import { expect, test } from 'vitest'
import { ManualClock } from './clock.ts'
import { silentLog } from './log.ts'
import { type NextPoll, Poller } from './poller.ts'

interface Site {
  url: string
  answers: number[]
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const aSite = (url: string) => (): Site => ({ url, answers: [] })

/** A poller of sites that count up; each question waits for its answer when `byHand`. */
function aPoller({ next = 1_000 as NextPoll, concurrency = 16, random = 0.5, byHand = false } = {}) {
  const clock = new ManualClock()
  const asked: string[] = []
  const waiting: { resolve: (answer: number) => void; reject: (error: Error) => void }[] = []
  const poller = new Poller<Site, number>({
    ask: ({ url }) => {
      asked.push(url)
      if (!byHand) return Promise.resolve(asked.length)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    learn: ({ answers }, answer) => {
      answers.push(answer)
      return { next, changed: answer % 2 === 0 }
    },
    concurrency,
    clock,
    log: silentLog,
    random: () => random,
  })
  const advance = async (byMs: number) => {
    clock.advance(byMs)
    await settled()
  }
  return { poller, asked, waiting, advance }
}

test('a target is asked at once, and again after the delay that `learn` returns', async () => {
  const { poller, asked, advance } = aPoller()
  const site = poller.watch('a', aSite('a'))
  expect(poller.watch('a', aSite('another'))).toBe(site)
  await settled()
  expect(site.answers).toEqual([1])
  await advance(999)
  expect(asked).toEqual(['a'])
  await advance(1)
  expect(site.answers).toEqual([1, 2])
  expect(poller.get('a')).toBe(site)
})

test('delays are spread by a fifth either way', async () => {
  const { poller, asked, advance } = aPoller({ random: 1 })
  poller.watch('a', aSite('a'))
  await settled()
  await advance(1_199)
  expect(asked.length).toBe(1)
  await advance(1)
  expect(asked.length).toBe(2)
})

test('a target that waits for a request is asked only then', async () => {
  const { poller, asked, advance } = aPoller({ next: 'on-request' })
  poller.watch('a', aSite('a'), 'on-request')
  await advance(60_000)
  expect(asked).toEqual([])
  poller.pollIn('a', 100)
  await advance(100)
  expect(asked).toEqual(['a'])
  await advance(60_000)
  expect(asked).toEqual(['a'])
})

test('a request replaces the delay, and a pause ends it', async () => {
  const { poller, asked, advance } = aPoller()
  poller.watch('a', aSite('a'), 500)
  poller.pollIn('a', 2_000)
  await advance(1_999)
  expect(asked).toEqual([])
  await advance(1)
  expect(asked).toEqual(['a'])
  poller.pause('a')
  await advance(60_000)
  expect(asked).toEqual(['a'])
})

test('a target is never asked twice at a time: a request meanwhile holds afterwards, if it is earlier', async () => {
  const { poller, asked, waiting, advance } = aPoller({ byHand: true })
  poller.watch('a', aSite('a'))
  await settled()
  poller.pollIn('a', 0)
  await advance(10_000)
  expect(asked).toEqual(['a'])
  waiting[0]?.resolve(1)
  await settled()
  expect(asked).toEqual(['a', 'a'])
  poller.pollIn('a', 5_000)
  waiting[1]?.resolve(1)
  await settled()
  await advance(1_000)
  expect(asked).toEqual(['a', 'a', 'a'])
})

test('no more targets are asked at the same time than allowed, the others in the order in which they became due', async () => {
  const { poller, asked, waiting } = aPoller({ byHand: true, concurrency: 2 })
  for (const url of ['a', 'b', 'c', 'd']) poller.watch(url, aSite(url))
  await settled()
  expect(asked).toEqual(['a', 'b'])
  poller.forget('c')
  waiting[1]?.resolve(1)
  await settled()
  expect(asked).toEqual(['a', 'b', 'd'])
})

test('an answer about a forgotten target is dropped, also when its key is watched again', async () => {
  const { poller, waiting, advance } = aPoller({ byHand: true })
  const changed: Site[] = []
  poller.onChange((site) => changed.push(site))
  const first = poller.watch('a', aSite('a'))
  await settled()
  poller.forget('a')
  const second = poller.watch('a', aSite('a'))
  await settled()
  waiting[0]?.resolve(2)
  await settled()
  expect([first.answers, second.answers, changed]).toEqual([[], [], []])
  waiting[1]?.resolve(4)
  await settled()
  expect([second.answers, changed]).toEqual([[4], [second]])
  await advance(1_000)
  expect([...poller.targets()]).toEqual([['a', second]])
})

test('listeners are notified of changes only, until they are removed', async () => {
  const { poller, advance } = aPoller()
  const changes: number[][] = []
  const remove = poller.onChange(({ answers }) => changes.push([...answers]))
  poller.watch('a', aSite('a'))
  await settled()
  await advance(1_000)
  await advance(1_000)
  expect(changes).toEqual([[1, 2]])
  remove()
  await advance(1_000)
  expect(changes).toEqual([[1, 2]])
})

test('a question that throws is a bug: the target is asked again later', async () => {
  const { poller, asked, waiting, advance } = aPoller({ byHand: true })
  const site = poller.watch('a', aSite('a'))
  await settled()
  waiting[0]?.reject(new Error('a bug'))
  await settled()
  await advance(4_999)
  expect(asked).toEqual(['a'])
  await advance(1)
  waiting[1]?.resolve(3)
  await settled()
  expect(site.answers).toEqual([3])
})

test('after the stop there is no target and no request', async () => {
  const { poller, asked, waiting, advance } = aPoller({ byHand: true })
  const site = poller.watch('a', aSite('a'))
  await settled()
  await poller.stop()
  waiting[0]?.resolve(2)
  await advance(60_000)
  expect([asked, site.answers, poller.get('a')]).toEqual([['a'], [], undefined])
})
