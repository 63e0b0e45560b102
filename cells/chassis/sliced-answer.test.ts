import { expect, test } from 'vitest'
import { ManualClock, systemClock } from './clock.ts'
import { slicedAnswer } from './sliced-answer.ts'

function* numbers(count: number, each = () => {}): Iterable<string> {
  yield '['
  for (let n = 0; n < count; n++) {
    each()
    yield `${n > 0 ? ',' : ''}${n}`
  }
  yield ']'
}

const textOf = (answer: { body?: string | Uint8Array }) => Buffer.from(answer.body ?? '').toString()

test('an answer is built once per change for all who ask meanwhile, and has the entity tag of its bytes', async () => {
  const data = { revision: 0 }
  let built = 0
  const answer = slicedAnswer(
    () => data.revision,
    new ManualClock(),
    () => {
      built++
      return numbers(3)
    },
  )
  const [one, same] = await Promise.all([answer(), answer()])
  expect([textOf(one), built]).toEqual(['[0,1,2]', 1])
  expect(same).toBe(one)
  data.revision++
  const next = await answer()
  expect(built).toBe(2)
  expect(next.headers?.etag).toBe(one.headers?.etag)
  expect(next.headers?.etag).toMatch(/^"[\w-]{22}"$/)
})

test('others run while a long answer is built, and it is whole', async () => {
  const answer = slicedAnswer(
    () => 0,
    systemClock,
    () => numbers(40, () => spin(1)),
  )
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  expect(JSON.parse(textOf(await answer()))).toEqual(Array.from({ length: 40 }, (_, n) => n))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(5)
})

test('a long answer is kept for ten times as long as it took, whatever changes', async () => {
  const clock = new ManualClock()
  const data = { revision: 0 }
  let built = 0
  const answer = slicedAnswer(
    () => data.revision,
    clock,
    () => {
      built++
      return numbers(10, () => clock.advance(1))
    },
  )
  await answer()
  for (; data.revision < 90; data.revision++) {
    clock.advance(1)
    await answer()
  }
  expect(built).toBe(1)
  clock.advance(11)
  await answer()
  expect(built).toBe(2)
})

test('what a piece throws goes to all who asked, and the next request builds it anew', async () => {
  let fails = true
  const answer = slicedAnswer(
    () => 0,
    new ManualClock(),
    function* () {
      yield '['
      if (fails) throw new Error('a bug')
      yield ']'
    },
  )
  const both = await Promise.allSettled([answer(), answer()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(textOf(await answer())).toBe('[]')
})

function spin(ms: number): void {
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; );
}
