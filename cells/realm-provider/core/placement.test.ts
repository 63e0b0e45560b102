import { expect, test } from 'vitest'
import { aCatalystAbout, anEndpoint } from '../fixtures.ts'
import { type Catalyst, readCatalystAbout } from './catalyst.ts'
import { locationOfHost, middleOf } from './countries.ts'
import { type Assignment, type CatalystPreference, chooseCatalyst, chooseEndpoint, isFull } from './placement.ts'

const endpoints = [anEndpoint(2), anEndpoint(0), anEndpoint(1)]
const counted = (...players: (number | undefined)[]) =>
  new Map(players.flatMap((count, slot) => (count === undefined ? [] : [[slot, count] as const])))
const slot = (how: Assignment | undefined, players?: ReadonlyMap<number, number>, visitor = '') =>
  chooseEndpoint(endpoints, how, { players, visitor })?.slot

test('LeastLoaded chooses the emptiest cell when the players of all are known, else the lowest slot', () => {
  expect(slot(undefined)).toBe(0)
  expect(slot({ assignment: 'LeastLoaded' }, counted(5, 3, 4))).toBe(1)
  expect(slot({ assignment: 'LeastLoaded' }, counted(4, 4, 4))).toBe(0)
  expect(slot({ assignment: 'LeastLoaded' }, counted(5, 0))).toBe(0)
  expect(chooseEndpoint([])).toBeUndefined()
})

test('Fill chooses the first cell with room, so that the last cells stay empty', () => {
  const fill = { assignment: 'Fill', capacity: 10 } as const
  expect(slot(fill, counted(0, 0, 0))).toBe(0)
  expect(slot(fill, counted(9, 0, 0))).toBe(0)
  expect(slot(fill, counted(10, 0, 0))).toBe(1)
  expect(slot(fill, counted(10, 12, 3))).toBe(2)
  expect(slot({ assignment: 'Fill' }, counted(1_000, 0, 0))).toBe(0)
  expect(slot(fill)).toBe(0)
})

test('a realm is full when every cell is known to have as many players as it is meant for', () => {
  const full = (capacity: number | undefined, players?: ReadonlyMap<number, number>) =>
    isFull(endpoints, { assignment: 'LeastLoaded', ...(capacity !== undefined && { capacity }) }, players)
  expect(full(10, counted(10, 12, 10))).toBe(true)
  expect(full(10, counted(10, 9, 10))).toBe(false)
  expect(full(10, counted(10, undefined, 10))).toBe(false)
  expect(full(10)).toBe(false)
  expect(full(undefined, counted(1_000, 1_000, 1_000))).toBe(false)
})

test('Sticky chooses the same cell for the same visitor, and spreads visitors', () => {
  const sticky = { assignment: 'Sticky' } as const
  const visitors = Array.from({ length: 300 }, (_, i) => `203.0.113.${i}`)
  const first = visitors.map((visitor) => slot(sticky, counted(0, 0, 0), visitor))
  expect(visitors.map((visitor) => slot(sticky, counted(9, 5, 1), visitor))).toEqual(first)
  for (const one of [0, 1, 2]) expect(first.filter((chosen) => chosen === one).length).toBeGreaterThan(60)
})

test('when a cell is removed, only its own sticky visitors get another one', () => {
  const visitors = Array.from({ length: 100 }, (_, i) => `203.0.113.${i}`)
  for (const visitor of visitors) {
    const before = chooseEndpoint(endpoints, { assignment: 'Sticky' }, { visitor })?.slot
    const without = chooseEndpoint(
      endpoints.filter((endpoint) => endpoint.slot !== 1),
      { assignment: 'Sticky' },
      { visitor },
    )?.slot
    if (before !== 1) expect(without).toBe(before)
  }
})

test('a full cell is skipped, and when all are full the emptiest takes one more', () => {
  const sticky = { assignment: 'Sticky', capacity: 10 } as const
  const first = slot(sticky, counted(0, 0, 0), 'me') ?? 0
  const full = counted(...[0, 1, 2].map((one) => (one === first ? 10 : 0)))
  expect(slot(sticky, full, 'me')).not.toBe(first)
  for (const assignment of ['Sticky', 'Fill', 'LeastLoaded'] as const)
    expect(slot({ assignment, capacity: 10 }, counted(12, 11, 13), 'me')).toBe(1)
})

function aCatalyst(host: string, versions?: [string, string], healthy = true): Catalyst {
  const about = readCatalystAbout(aCatalystAbout(`https://${host}`, versions))
  if (!about) throw new Error('the catalyst of the test does not take users')
  return { url: `https://${host}`, healthy, about }
}
const locationOf = ({ url }: Catalyst) => locationOfHost(url)
const loadOf = () => ({ users: undefined, sent: 0 })
const choice = (known: readonly Catalyst[], preference: CatalystPreference = {}) =>
  chooseCatalyst(known, preference, { locationOf, loadOf }).catalyst?.url

test('without a preference the catalyst is the first of the newest healthy ones', () => {
  expect(choice([])).toBeUndefined()
  expect(choice([aCatalyst('a', undefined, false), aCatalyst('b'), aCatalyst('c')])).toBe('https://b')
  expect(choice([aCatalyst('old', ['8.0.3', '4.9.9']), aCatalyst('new', ['8.0.3', '4.10.0'])])).toBe('https://new')
  expect(choice([aCatalyst('none', ['x.y', '']), aCatalyst('new', ['0.0.1', '0'])])).toBe('https://new')
})

test('when no catalyst has both newest versions every healthy one is a candidate', () => {
  expect(choice([aCatalyst('a', ['9.0.0', '1.0.0']), aCatalyst('b', ['1.0.0', '9.0.0'])])).toBe('https://a')
})

test('when no catalyst is healthy the first that once was is chosen', () => {
  expect(choice([aCatalyst('a', undefined, false), aCatalyst('b', undefined, false)])).toBe('https://a')
})

test('the catalyst named in the URL is chosen, with or without a slash, as long as it is healthy', () => {
  const known = [aCatalyst('a'), aCatalyst('b', ['1.0.0', '1.0.0']), aCatalyst('c', undefined, false)]
  expect(choice(known, { override: 'https://b' })).toBe('https://b')
  expect(choice(known, { override: 'https://b//' })).toBe('https://b')
  expect(choice(known, { override: 'https://c' })).toBe('https://a')
  expect(choice(known, { override: 'https://evil' })).toBe('https://a')
})

test('a player gets a catalyst in the nearest country, and always the same one of several there', () => {
  const [us, br, ie, sg, fr, dclnodes] = [
    'peer-ec1.decentraland.org',
    'peer-ec2.decentraland.org',
    'peer-eu.decentraland.org',
    'peer-ap1.decentraland.org',
    'peer.kyllian.me',
    'peer.dclnodes.io',
  ].map((host) => aCatalyst(host)) as [Catalyst, Catalyst, Catalyst, Catalyst, Catalyst, Catalyst]
  const all = [us, br, ie, sg, fr, dclnodes]
  const from = (country: string, visitor = '') => choice(all, { location: middleOf(country), visitor })
  const visitors = Array.from({ length: 200 }, (_, n) => `203.0.113.${n}`)
  const chosen = visitors.map((visitor) => from('DE', visitor))
  expect(new Set(chosen)).toEqual(new Set([fr.url, dclnodes.url]))
  expect(chosen.filter((url) => url === fr.url).length).toBeGreaterThan(60)
  expect(visitors.map((visitor) => from('DE', visitor))).toEqual(chosen)
  expect(['GB', 'MX', 'AR', 'AU', 'JP'].map((country) => from(country))).toEqual([ie.url, us.url, br.url, sg.url, sg.url])
  // Without a location the first is chosen; where the location of no catalyst is known, all are equally near.
  expect(from('XX')).toBe(us.url)
  const unknown = [aCatalyst('a.example'), aCatalyst('b.example')]
  const spread = visitors.map((visitor) => choice(unknown, { location: middleOf('DE'), visitor }))
  expect(new Set(spread)).toEqual(new Set(['https://a.example', 'https://b.example']))
  expect(choice([aCatalyst('a.example'), fr], { location: middleOf('DE') })).toBe(fr.url)
})

test('a catalyst that is slow is taken only where all are, and one that is far is as good as any', () => {
  const [slow, prompt] = [{ ...aCatalyst('slow'), isSlow: true }, aCatalyst('prompt')]
  expect(choice([slow, prompt])).toBe(prompt.url)
  expect(choice([slow])).toBe(slow.url)
  expect(choice([slow, prompt], { override: slow.url })).toBe(slow.url)
  const far = aCatalyst('peer-ap1.decentraland.org')
  expect(choice([{ ...aCatalyst('peer.kyllian.me'), isSlow: true }, far], { location: middleOf('FR') })).toBe(far.url)
})

test('an answer is personal where several catalysts are equally near', () => {
  const both = [aCatalyst('a'), aCatalyst('b')]
  const isPersonal = (known: readonly Catalyst[], location = middleOf('DE')) =>
    chooseCatalyst(known, { location }, { locationOf, loadOf }).isPersonal
  expect([isPersonal(both), isPersonal(both.slice(1))]).toEqual([true, false])
  expect(chooseCatalyst(both, {}, { locationOf: () => undefined, loadOf }).isPersonal).toBe(false)
})

/** Sends players to catalysts one after the other, each counted at once; returns how many each got, and who got which. */
function sendPlayers(hosts: Record<string, number | undefined>, players: number, country = 'DE') {
  const known = Object.keys(hosts).map((host) => aCatalyst(host))
  const sent = new Map<string, number>()
  const loadOf = ({ url }: Catalyst) => ({ users: hosts[url.replace('https://', '')], sent: sent.get(url) ?? 0 })
  const of = Array.from({ length: players }, (_, n) => {
    const preference = { location: middleOf(country), visitor: `203.0.${n >> 8}.${n & 255}` }
    const { catalyst } = chooseCatalyst(known, preference, { locationOf: () => undefined, loadOf })
    const again = chooseCatalyst([...known].reverse(), preference, { locationOf: () => undefined, loadOf })
    if (country) expect(again.catalyst).toBe(catalyst)
    sent.set(catalyst?.url ?? '', (sent.get(catalyst?.url ?? '') ?? 0) + 1)
    return catalyst?.url.replace('https://', '')
  })
  return { of, got: Object.keys(hosts).map((host) => sent.get(`https://${host}`) ?? 0) }
}

test('players who come at once are spread over the catalysts, whether these say how many users they have or not', () => {
  for (const users of [undefined, 0, 1_000])
    for (const got of sendPlayers({ a: users, b: users, c: users }, 900).got) expect(Math.abs(got - 300)).toBeLessThan(150)
  const [first, ...others] = sendPlayers({ a: undefined, b: undefined, c: undefined }, 900, '').got
  expect(others.concat(first ?? 0).every((got) => got > 140)).toBe(true)
  // The order of preference holds while there are few.
  expect(sendPlayers({ a: undefined, b: undefined }, 15, '').got).toEqual([15, 0])
})

test('a catalyst that has more than its share of users gets no more, and all others of its players stay where they were', () => {
  const calm = sendPlayers({ a: 10, b: 10, c: 10 }, 15)
  const crowded = sendPlayers({ a: 900, b: 100, c: 100 }, 15)
  expect(calm.got[0]).toBeGreaterThan(0)
  expect(crowded.got[0]).toBe(0)
  for (const [n, host] of calm.of.entries()) if (host !== 'a') expect(crowded.of[n]).toBe(host)
  // A count of which the others give none says nothing.
  expect(sendPlayers({ a: 900, b: undefined, c: 100 }, 15).of).toEqual(calm.of)
})
