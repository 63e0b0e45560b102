import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { ReadYourWrites } from './read-your-writes.ts'

const version = (resourceVersion: string, uid = 'u') => ({ uid, resourceVersion })
const aStore = () => {
  const clock = new ManualClock()
  return { clock, writes: new ReadYourWrites<{ uid: string; resourceVersion: string }>(clock) }
}
const answer = (object: { uid: string; resourceVersion: string } | undefined) => async () => object

test('a write overrides the cache until the watch has delivered it', async () => {
  const { writes } = aStore()
  await writes.track('a', answer(version('2')))
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  expect(writes.seen('a', version('1'))).toBe(false)
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  expect(writes.seen('a', version('2'))).toBe(true)
  expect(writes.current('a', version('3'))).toEqual(version('3'))
})

test('a version that the watch delivers before the response counts', async () => {
  const { writes } = aStore()
  await writes.track('a', async () => {
    writes.seen('a', version('2'))
    writes.seen('a', version('3'))
    return version('2')
  })
  expect(writes.current('a', version('3'))).toEqual(version('3'))
})

test('a removed object is absent until the watch delivers the removal, and its replacement is another object', async () => {
  const { writes } = aStore()
  await writes.track('a', answer(undefined))
  expect(writes.current('a', version('1'))).toBeUndefined()
  writes.removed('a', version('1'))
  await writes.track('a', answer(version('5', 'new')))
  writes.removed('a', version('1'))
  expect(writes.current('a', undefined)).toEqual(version('5', 'new'))
  writes.removed('a', version('5', 'new'))
  expect(writes.current('a', undefined)).toBeUndefined()
})

test('a removal that the watch delivers before the response overrides nothing', async () => {
  const { writes } = aStore()
  await writes.track('a', async () => {
    writes.removed('a', version('1'))
    return undefined
  })
  expect(writes.current('a', version('2', 'new'))).toEqual(version('2', 'new'))
})

test('a write that failed changes nothing', async () => {
  const { writes } = aStore()
  const failing = writes.track('a', async () => {
    throw new Error('refused')
  })
  await expect(failing).rejects.toThrow('refused')
  expect(writes.current('a', version('1'))).toEqual(version('1'))
})

test('after ten seconds the cache counts again, whatever was written', async () => {
  const { clock, writes } = aStore()
  await writes.track('a', answer(version('2')))
  clock.advance(10_000)
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  clock.advance(1)
  expect(writes.current('a', version('1'))).toEqual(version('1'))
})

test('a write that changed nothing does not hide the next write of another client', async () => {
  const { writes } = aStore()
  writes.seen('a', version('9'))
  await writes.track('a', answer(version('9')))
  expect(writes.seen('a', version('10'))).toBe(false)
  expect(writes.current('a', version('10'))).toEqual(version('10'))
  await writes.track('a', async () => {
    writes.seen('a', version('11'))
    return version('10')
  })
  expect(writes.current('a', version('11'))).toEqual(version('11'))
})
