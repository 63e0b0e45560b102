import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { StartGarbage } from './start-garbage.ts'

test('garbage of the start is collected once: when this thread waits for others, and at the end of the start at the latest', async () => {
  const collect = vi.fn()
  const garbage = new StartGarbage(collect)
  const busyUntil = performance.now() + 20
  while (performance.now() < busyUntil);
  garbage.collectIfIdle()
  expect(collect).not.toHaveBeenCalled()
  await sleep(100)
  garbage.collectIfIdle()
  expect(collect).toHaveBeenCalledOnce()
  await sleep(100)
  garbage.collectIfIdle()
  await garbage.giveBack()
  expect(collect).toHaveBeenCalledOnce()

  const late = vi.fn()
  await new StartGarbage(late).giveBack()
  expect(late).toHaveBeenCalledOnce()
})

test.runIf(process.platform === 'linux')('memory that was freed between memory in use is given back to the system', async () => {
  const garbage = new StartGarbage()
  let buffers: (Buffer | undefined)[] = Array.from({ length: 2_000 }, () => Buffer.alloc(60_000, 1))
  buffers = buffers.map((buffer, index) => (index % 100 === 0 ? buffer : undefined))
  const before = process.memoryUsage.rss()
  await garbage.giveBack()
  expect(before - process.memoryUsage.rss()).toBeGreaterThan(80_000_000)
  expect(buffers[0]?.every((byte) => byte === 1)).toBe(true)
})
