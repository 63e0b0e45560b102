import { expect, test, vi } from 'vitest'
import { ManualClock } from './clock.ts'
import { silentLog } from './log.ts'
import { repeat } from './repeat.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a repeated task runs at once, again after its delay, and not after it was stopped', async () => {
  const clock = new ManualClock()
  const task = vi.fn(async () => {})
  const running = repeat({ task, delayMs: () => 1000, clock, log: silentLog })
  expect(task).toHaveBeenCalledTimes(1)
  await settled()
  clock.advance(799)
  expect(task).toHaveBeenCalledTimes(1)
  clock.advance(401)
  expect(task).toHaveBeenCalledTimes(2)
  await settled()
  await running.stop()
  clock.advance(10_000)
  expect(task).toHaveBeenCalledTimes(2)
})

test('a run that throws does not end the repetition, and a slow run is never overtaken', async () => {
  const clock = new ManualClock()
  let finish = () => {}
  const task = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Error('once'))
    .mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)))
    .mockResolvedValue()
  const running = repeat({ task, delayMs: () => 10, clock, log: silentLog })
  await settled()
  clock.advance(100)
  expect(task).toHaveBeenCalledTimes(2)
  clock.advance(10_000)
  expect(task).toHaveBeenCalledTimes(2)
  finish()
  await settled()
  clock.advance(100)
  expect(task).toHaveBeenCalledTimes(3)
  await running.stop()
})
