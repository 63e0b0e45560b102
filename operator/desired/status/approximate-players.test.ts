import fc from 'fast-check'
import { expect, test } from 'vitest'
import { approximatePlayers } from './approximate-players.ts'

test('a crowd is called by the step it reached', () => {
  expect([0, 1, 9, 10, 99, 100, 1_500, 250_000].map((players) => approximatePlayers(players))).toEqual([
    ...['0', '1+', '1+', '10+', '50+', '100+', '1000+', '100000+'],
  ])
})

test('a crowd around a step keeps its name until it is clearly smaller', () => {
  let said = approximatePlayers(100)
  const heard = [99, 100, 98, 101, 80].map((players) => {
    said = approximatePlayers(players, said)
    return said
  })
  expect(heard).toEqual(['100+', '100+', '100+', '100+', '100+'])
  expect(approximatePlayers(79, said)).toBe('50+')
})

test('the last player to leave is noticed', () => {
  expect(approximatePlayers(0, '1+')).toBe('0')
})

test('nothing known changes nothing', () => {
  expect([approximatePlayers(undefined, '50+'), approximatePlayers(undefined)]).toEqual(['50+', undefined])
})

test('the name never promises more than a quarter too many, and the same number keeps its name', () => {
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), (before, now) => {
      const name = approximatePlayers(now, approximatePlayers(before))
      expect(Number.parseInt(name ?? '', 10) * 0.8).toBeLessThanOrEqual(now)
      expect(approximatePlayers(now, name)).toBe(name)
    }),
  )
})
