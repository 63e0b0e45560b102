import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineSplitter } from './line-splitter.ts'

test('lines are complete wherever the stream of bytes is split', () => {
  const line = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\n') && text.isWellFormed())
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      const got: string[] = []
      const take = lineSplitter((text) => got.push(text))
      let at = 0
      for (const size of cuts) {
        take(bytes.subarray(at, at + size))
        at = Math.min(at + size, bytes.length)
      }
      take(bytes.subarray(at))
      expect(got).toEqual(lines)
    }),
  )
})

test('an endless line is refused before it fills the memory', () => {
  const take = lineSplitter(() => {}, 100)
  take(Buffer.alloc(60, 'a'))
  expect(() => take(Buffer.alloc(60, 'a'))).toThrow('longer than 100 bytes')
})
