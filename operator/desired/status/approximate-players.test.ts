import fc from 'fast-check'
import { expect, test } from 'vitest'
import { approximatePlayers } from './approximate-players.ts'

test('a number is given as the step it reached', () => {
  expect([0, 1, 9, 10, 99, 100, 1_500, 250_000].map((players) => approximatePlayers(players))).toEqual([
    ...['0', '1+', '1+', '10+', '50+', '100+', '1000+', '100000+'],
  ])
})

test('a number around a step keeps the step until it is clearly lower', () => {
  let text = approximatePlayers(100)
  const texts = [99, 100, 98, 101, 80].map((players) => {
    text = approximatePlayers(players, text)
    return text
  })
  expect(texts).toEqual(['100+', '100+', '100+', '100+', '100+'])
  expect(approximatePlayers(79, text)).toBe('50+')
})

test('no player at all is always 0', () => {
  expect(approximatePlayers(0, '1+')).toBe('0')
})

test('an unknown number keeps the text before', () => {
  expect([approximatePlayers(undefined, '50+'), approximatePlayers(undefined)]).toEqual(['50+', undefined])
})

test('the text is never more than a quarter too high, and the same number keeps its text', () => {
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), (before, now) => {
      const name = approximatePlayers(now, approximatePlayers(before))
      expect(Number.parseInt(name ?? '', 10) * 0.8).toBeLessThanOrEqual(now)
      expect(approximatePlayers(now, name)).toBe(name)
    }),
  )
})
