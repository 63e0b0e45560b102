import { expect, test } from 'vitest'
import { knownCountries, middleOf } from './countries.ts'
import { distanceKm, type Location } from './location.ts'

test('distances are those between the middles of countries', () => {
  const between = (from: string, to: string) => distanceKm(middleOf(from) as Location, middleOf(to) as Location)
  expect(between('DE', 'FR')).toBeCloseTo(805, -2)
  expect(between('DE', 'IE')).toBeCloseTo(1254, -2)
  expect(Math.abs(between('DE', 'US') - 7785)).toBeLessThan(200)
  expect(between('DE', 'de')).toBe(0)
  expect(distanceKm({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 })).toBeCloseTo(222, 0)
  expect(middleOf('ZZ')).toBeUndefined()
  expect(knownCountries).toHaveLength(250)
})
