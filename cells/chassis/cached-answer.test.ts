import { expect, test } from 'vitest'
import { cachedAnswer } from './cached-answer.ts'
import { ManualClock } from './clock.ts'

test('an answer is built once per change, and a long one not at every change', () => {
  const clock = new ManualClock()
  const data = { revision: 0, length: 10 }
  let built = 0
  const answer = cachedAnswer(
    () => data.revision,
    clock,
    () => {
      built++
      return 'x'.repeat(data.length)
    },
  )
  for (let n = 0; n < 3; n++) expect(String(answer().body)).toHaveLength(12)
  expect(built).toBe(1)
  data.revision++
  answer()
  expect(built).toBe(2)

  Object.assign(data, { revision: 2, length: 1_000_000 })
  for (let n = 0; n < 1_000; n++) {
    data.revision++
    answer()
  }
  expect(built).toBe(3)
  clock.advance(101)
  answer()
  expect(built).toBe(4)
})
