import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { ReadYourWrites } from './read-your-writes.ts'

const version = (resourceVersion: string, uid = 'u') => ({ uid, resourceVersion })
const aStore = () => {
  const clock = new ManualClock()
  return { clock, writes: new ReadYourWrites<{ uid: string; resourceVersion: string }>(clock) }
}
const answer = (object: { uid: string; resourceVersion: string } | undefined) => async () => object

test('what was written is believed until the cache has seen it', async () => {
  const { writes } = aStore()
  await writes.track('a', answer(version('2')))
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  expect(writes.seen('a', version('1'))).toBe(false)
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  expect(writes.seen('a', version('2'))).toBe(true)
  expect(writes.current('a', version('3'))).toEqual(version('3'))
})

test('a watch that tells before the answer arrives is not forgotten', async () => {
  const { writes } = aStore()
  await writes.track('a', async () => {
    writes.seen('a', version('2'))
    writes.seen('a', version('3'))
    return version('2')
  })
  expect(writes.current('a', version('3'))).toEqual(version('3'))
})

test('what was removed is gone until the cache has seen it go, and what replaces it is another object', async () => {
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

test('a removal whose going was seen before its answer leaves no shadow', async () => {
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

test('after ten seconds the cache is believed again, whatever was written', async () => {
  const { clock, writes } = aStore()
  await writes.track('a', answer(version('2')))
  clock.advance(10_000)
  expect(writes.current('a', version('1'))).toEqual(version('2'))
  clock.advance(1)
  expect(writes.current('a', version('1'))).toEqual(version('1'))
})

test('a write that changed nothing does not hide what others write next', async () => {
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
