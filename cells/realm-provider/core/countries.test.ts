import { expect, test } from 'vitest'
import { distanceKm, knownCountries } from './countries.ts'

test('distances are those between the middles of countries', () => {
  expect(distanceKm('DE', 'FR')).toBeCloseTo(805, -2)
  expect(distanceKm('DE', 'IE')).toBeCloseTo(1254, -2)
  expect(Math.abs((distanceKm('DE', 'US') ?? 0) - 7785)).toBeLessThan(200)
  expect(distanceKm('DE', 'DE')).toBe(0)
  expect(distanceKm('DE', 'ZZ')).toBeUndefined()
  expect(knownCountries).toHaveLength(250)
})
