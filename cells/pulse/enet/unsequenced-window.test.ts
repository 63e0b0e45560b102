import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UnsequencedWindow } from './unsequenced-window.ts'

test('each group is taken once, however the groups jump, and one that is too old to know is not', () => {
  // Steps back and forth around a number that grows, as it does when datagrams overtake each other, and now and then far ahead.
  const steps = fc.array(
    fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -40, max: 60 }) }, fc.integer({ min: 900, max: 3_000 })),
    {
      maxLength: 400,
      size: 'max',
    },
  )
  fc.assert(
    fc.property(steps, (each) => {
      const window = new UnsequencedWindow()
      const taken = new Set<number>()
      let [position, newest] = [1, 0]
      for (const step of each) {
        position = Math.max(1, position + step)
        const isKnown = position > newest - UnsequencedWindow.SIZE
        expect(window.take(position & 0xffff)).toBe(isKnown && !taken.has(position))
        taken.add(position)
        newest = Math.max(newest, position)
      }
    }),
    { numRuns: 300 },
  )
})
