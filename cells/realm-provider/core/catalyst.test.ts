import { describe, expect, test } from 'vitest'
import { aCatalystAbout } from '../fixtures.ts'
import { type Catalyst, type CatalystPreference, chooseCatalyst, readCatalystAbout } from './catalyst.ts'
import { distanceKm, knownCountries, nearestByCountry } from './countries.ts'

function aCatalyst(host: string, versions?: [string, string], healthy = true): Catalyst {
  const about = readCatalystAbout(aCatalystAbout(`https://${host}`, versions))
  if (!about) throw new Error('the test expected this catalyst to take users')
  return { url: `https://${host}`, healthy, about }
}
const choice = (known: readonly Catalyst[], preference: CatalystPreference = {}, random = 0) =>
  chooseCatalyst(known, preference, nearestByCountry, () => random)?.url

describe('a description of a catalyst', () => {
  const good = aCatalystAbout('https://c')

  test('is read when it takes users and names its services', () => {
    expect(readCatalystAbout(good)).toMatchObject({ content: good.content, lambdas: good.lambdas, bff: undefined })
  })

  test.each([
    null,
    [],
    'text',
    { ...good, healthy: false },
    { ...good, acceptingUsers: undefined },
    { ...good, content: { healthy: true } },
    { ...good, lambdas: [] },
  ])('is none when it is %j', (document) => {
    expect(readCatalystAbout(document)).toBeUndefined()
  })
})

test('without a preference it is the first of the newest healthy catalysts', () => {
  expect(choice([])).toBeUndefined()
  expect(choice([aCatalyst('a', undefined, false), aCatalyst('b'), aCatalyst('c')])).toBe('https://b')
  expect(choice([aCatalyst('old', ['8.0.3', '4.9.9']), aCatalyst('new', ['8.0.3', '4.10.0'])])).toBe('https://new')
  expect(choice([aCatalyst('none', ['x.y', '']), aCatalyst('new', ['0.0.1', '0'])])).toBe('https://new')
})

test('when no node has both newest versions every healthy one stays', () => {
  expect(choice([aCatalyst('a', ['9.0.0', '1.0.0']), aCatalyst('b', ['1.0.0', '9.0.0'])])).toBe('https://a')
})

test('when none is healthy it is the first that once was', () => {
  expect(choice([aCatalyst('a', undefined, false), aCatalyst('b', undefined, false)])).toBe('https://a')
})

test('the one asked for by URL wins, with or without a slash, as long as it is healthy', () => {
  const known = [aCatalyst('a'), aCatalyst('b', ['1.0.0', '1.0.0']), aCatalyst('c', undefined, false)]
  expect(choice(known, { override: 'https://b' })).toBe('https://b')
  expect(choice(known, { override: 'https://b//' })).toBe('https://b')
  expect(choice(known, { override: 'https://c' })).toBe('https://a')
  expect(choice(known, { override: 'https://evil' })).toBe('https://a')
})

test('a player is sent to a catalyst in the nearest country, by chance among several there', () => {
  const [us, br, ie, sg, fr, dclnodes] = [
    'peer-ec1.decentraland.org',
    'peer-ec2.decentraland.org',
    'peer-eu.decentraland.org',
    'peer-ap1.decentraland.org',
    'peer.kyllian.me',
    'peer.dclnodes.io',
  ].map((host) => aCatalyst(host)) as [Catalyst, Catalyst, Catalyst, Catalyst, Catalyst, Catalyst]
  const all = [us, br, ie, sg, fr, dclnodes]
  const from = (country: string, random = 0) => choice(all, { country }, random)
  expect([from('DE'), from('DE', 0.99)]).toEqual([fr.url, dclnodes.url])
  expect(['GB', 'MX', 'AR', 'AU', 'JP'].map((country) => from(country))).toEqual([ie.url, us.url, br.url, sg.url, sg.url])
  // A country nobody knows is as likely to be anywhere, and so is one where no node's country is known.
  expect(from('XX', 0.5)).toBe(sg.url)
  expect(choice([aCatalyst('a.example'), aCatalyst('b.example')], { country: 'DE' }, 0.9)).toBe('https://b.example')
  expect(choice([aCatalyst('a.example'), fr], { country: 'DE' })).toBe(fr.url)
})

test('distances are those between the middles of countries', () => {
  expect(distanceKm('DE', 'FR')).toBeCloseTo(805, -2)
  expect(distanceKm('DE', 'IE')).toBeCloseTo(1254, -2)
  expect(Math.abs((distanceKm('DE', 'US') ?? 0) - 7785)).toBeLessThan(200)
  expect(distanceKm('DE', 'DE')).toBe(0)
  expect(distanceKm('DE', 'ZZ')).toBeUndefined()
  expect(knownCountries).toHaveLength(250)
})
