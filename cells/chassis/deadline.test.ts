import { expect, test } from 'vitest'
import { ManualClock } from './clock.ts'
import { DeadlineExceeded, withDeadline } from './deadline.ts'

test('work that ends in time is passed on, its failure too', async () => {
  const clock = new ManualClock()
  const deadline = { clock, ms: 100, what: 'counting' }
  expect(await withDeadline(Promise.resolve(7), deadline)).toBe(7)
  await expect(withDeadline(Promise.reject(new Error('broken')), deadline)).rejects.toThrow('broken')
  clock.advance(1_000)
})

test('work that takes too long fails with its name and its time limit, and its late failure is ignored', async () => {
  const clock = new ManualClock()
  const { promise: work, reject } = Promise.withResolvers<void>()
  const outcome = withDeadline(work, { clock, ms: 100, what: 'counting' })
  clock.advance(100)
  await expect(outcome).rejects.toThrow(new DeadlineExceeded('counting took longer than 100 ms'))
  reject(new Error('too late to matter'))
})
