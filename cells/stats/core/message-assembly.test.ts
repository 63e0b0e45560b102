import { expect, test } from 'vitest'
import { MAX_PARTS, MessageAssembler } from './message-assembly.ts'

const part = (message: number, index: number, count = 3) => ({ message, index, count })

test('a list is returned with its last part, in order, whatever the order of arrival', () => {
  const parts = new MessageAssembler<string>()
  expect(parts.add('cell', part(1, 2), ['c'])).toBeUndefined()
  expect(parts.add('cell', part(1, 0), ['a', 'b'])).toBeUndefined()
  expect(parts.add('cell', part(1, 0), ['a', 'b'])).toBeUndefined()
  expect(parts.add('cell', part(1, 1), [])).toEqual(['a', 'b', 'c'])
})

test('a later message replaces one that was never completed', () => {
  const parts = new MessageAssembler<string>()
  parts.add('cell', part(1, 0, 2), ['old'])
  parts.add('cell', part(2, 0, 2), ['new'])
  expect(parts.add('cell', part(2, 1, 2), [])).toEqual(['new'])
})

test('parts of different senders are not mixed', () => {
  const parts = new MessageAssembler<string>()
  parts.add('east', part(1, 0, 2), ['east'])
  expect(parts.add('west', part(1, 1, 2), ['west'])).toBeUndefined()
})

test('a message of too many parts is ignored', () => {
  expect(new MessageAssembler<string>().add('cell', { message: 1, index: 0, count: MAX_PARTS + 1 }, [])).toBeUndefined()
})
