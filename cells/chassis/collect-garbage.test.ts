import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { collectGarbage } from './collect-garbage.ts'

test('garbage is collected, and what is in use stays', () => {
  const kept: unknown[] = []
  const dropped: unknown[] = []
  for (let i = 0; i < 300_000; i++) (i % 100 === 0 ? kept : dropped).push({ i, text: `object ${i}` })
  const before = getHeapStatistics()
  dropped.length = 0
  collectGarbage()
  const after = getHeapStatistics()
  expect(before.used_heap_size - after.used_heap_size).toBeGreaterThan(10_000_000)
  expect(before.total_physical_size - after.total_physical_size).toBeGreaterThan(10_000_000)
  expect(kept.at(-1)).toEqual({ i: 299_900, text: 'object 299900' })
})

test('threads collect their own garbage at the same time', async () => {
  const collect = `import(${JSON.stringify(new URL('./collect-garbage.ts', import.meta.url))}).then(({ collectGarbage }) => {
    for (let time = 0; time < 5; time++) collectGarbage()
  })`
  const exitCodes = await Promise.all(
    Array.from({ length: 3 }, () => {
      const thread = new Worker(collect, { eval: true })
      return new Promise((resolve, reject) => thread.on('exit', resolve).on('error', reject))
    }),
  )
  expect(exitCodes).toEqual([0, 0, 0])
})
