import fc from 'fast-check'
import { expect, test } from 'vitest'
import { approximatePlayers } from './approximate-players.ts'

test('a number is given as the step it reached', () => {
  expect([0, 1, 9, 10, 99, 100, 1_500, 250_000].map((players) => approximatePlayers(players))).toEqual([
    ...['0', '1+', '1+', '10+', '50+', '100+', '1000+', '100000+'],
  ])
})

test('a number around a step does not change its text each time', () => {
  let text = approximatePlayers(99)
  const texts = [100, 99, 104, 109, 110, 105, 100].map((players) => {
    text = approximatePlayers(players, text)
    return text
  })
  expect(texts).toEqual(['50+', '50+', '50+', '50+', '100+', '100+', '100+'])
  expect(approximatePlayers(99, text)).toBe('50+')
})

test('40 players are never more than 10+, whatever was counted for a moment', () => {
  expect([undefined, '0', '10+', '50+', '100+', 'x'].map((before) => approximatePlayers(40, before))).toEqual(
    Array(6).fill('10+'),
  )
})

test('no player at all is always 0', () => {
  expect(approximatePlayers(0, '1+')).toBe('0')
})

test('an unknown number keeps the text before', () => {
  expect([approximatePlayers(undefined, '50+'), approximatePlayers(undefined)]).toEqual(['50+', undefined])
})

test('the text is never more than there are nor less than for a tenth fewer, and the same number keeps its text', () => {
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), (before, now) => {
      const name = approximatePlayers(now, approximatePlayers(before))
      const said = Number.parseInt(name ?? '', 10)
      expect(said).toBeLessThanOrEqual(now)
      const plain = Number.parseInt(approximatePlayers(Math.floor(now / 1.1)) ?? '', 10)
      expect(said).toBeGreaterThanOrEqual(plain)
      expect(approximatePlayers(now, name)).toBe(name)
    }),
  )
})
