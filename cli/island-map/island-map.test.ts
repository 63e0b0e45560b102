import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aPeer, someCity } from './fixtures.ts'
import { islandMap } from './island-map.ts'
import { MAX_MAPPED_PEERS, readMapData } from './map-data.ts'
import { colourOf } from './style.ts'

function mapOf(record: object): string {
  const data = readMapData(record)
  if (!data) throw new Error('the record has no islands')
  return islandMap(data)
}

/** What a reader reads: the texts, joined by spaces. */
const wordsOf = (svg: string): string =>
  Array.from(svg.matchAll(/<text[^>]*>(.*?)<\/text>/g), ([, text]) => text?.replace(/<[^>]*>/g, '')).join(' ')
/** Dots of the map itself, without the closer looks. */
const dotsOf = (svg: string): number => panelsOf(svg)[0]?.match(/h0/g)?.length ?? 0
const panelsOf = (svg: string): string[] =>
  svg
    .split('<svg ')
    .slice(2)
    .map((sheet) => sheet.slice(0, sheet.indexOf('</svg>')))
const colourOn = (svg: string, id: string) => new RegExp(`fill="(#[0-9a-f]{6})"[^>]*><title>${id}:`).exec(svg)?.[1]

/**
 * Reads the whole text as XML of our few elements and fails at the first thing that is neither markup of ours nor harmless text.
 */
function expectOnlyOurMarkup(svg: string): void {
  const token = /<(\/?)(svg|title|style|rect|g|path|text|tspan)((?: [a-zA-Z-]+="[^"<&]*")*)(\/?)>|[^<&]+|&#\d+;/y
  const open: string[] = []
  while (token.lastIndex < svg.length) {
    const from = token.lastIndex
    const match = token.exec(svg)
    if (!match) throw new Error(`not ours: ${svg.slice(from, from + 80)}`)
    const [text, closing, tag, attributes, empty] = match
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 forbids
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/)
    expect(attributes ?? '').not.toMatch(/ on|href|NaN|Infinity/)
    if (closing) expect(open.pop()).toBe(tag)
    else if (tag && !empty) open.push(tag)
  }
  expect(open).toEqual([])
  expect(svg.isWellFormed()).toBe(true)
}

test('every peer of a crowd of six hundred is drawn, and its islands are counted', () => {
  const svg = mapOf(someCity(600))
  expect(wordsOf(svg)).toContain('600 peers 92 islands 100 largest')
  expect(dotsOf(svg)).toBe(600)
})

test('the same data gives the same text, whatever the order of its islands', () => {
  const { islands } = someCity(200)
  const svg = mapOf({ islands })
  expect(mapOf({ islands })).toBe(svg)
  expect(mapOf({ islands: islands.toReversed() })).toBe(svg)
  expectOnlyOurMarkup(svg)
})

test('an island keeps its colour, whatever other islands there are', () => {
  const one = { id: 'I1', peers: [aPeer(1, 0, 0)] }
  const others = ['I2', 'I3', 'I4'].map((id, i) => ({ id, peers: [aPeer(10 + i, 500 * i, 500)] }))
  const colour = colourOn(mapOf({ islands: [one] }), 'I1')
  expect(colour).toBeDefined()
  expect(colourOn(mapOf({ islands: [...others, one] }), 'I1')).toBe(colour)
})

test('islands created one after the other have very different colours', () => {
  const channels = (n: number) =>
    [1, 3, 5].map((i) => Number.parseInt(colourOf(`island-k3x-${n.toString(36)}`).slice(i, i + 2), 16))
  for (let n = 0; n < 200; n++)
    for (const after of [1, 2]) {
      const [one, other] = [channels(n), channels(n + after)]
      const difference = one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0)
      expect(difference).toBeGreaterThan(60)
    }
})

test('the common prefix of all ids is written once', () => {
  const ids = ['island-k3x-1', 'island-k3x-2', 'island-k3x-2-3']
  const words = wordsOf(mapOf({ islands: ids.map((id, i) => ({ id, peers: [aPeer(i, 300 * i, 0)] })) }))
  expect(words).toContain('■ 1 …-1 ■ 1 …-2 ■ 1 …-2-3')
  expect(words).toContain('All ids begin with island-k3x.')
  expect(wordsOf(mapOf({ islands: [{ id: ids[0], peers: [aPeer(1, 0, 0)] }] }))).toContain('■ 1 island-k3x-1')
})

test('names from outside are escaped', () => {
  const id = `"><script>alert('x')</script>&amp;]]>\u0000\u202e\ud800`
  const svg = mapOf({ realm: '</title><svg onload="x">', takenAt: '<!--', islands: [{ id, peers: [aPeer(1, 0, 0)] }] })
  expectOnlyOurMarkup(svg)
  expect(svg).not.toContain('<script')
  expect(svg).toContain('&#60;script&#62;')
})

test('no name breaks out of the map', () => {
  const name = fc.string({ unit: 'binary', maxLength: 300 })
  fc.assert(
    fc.property(name, name, name, (realm, takenAt, id) => {
      expectOnlyOurMarkup(mapOf({ realm, takenAt, islands: [{ id, peers: [aPeer(1, 0, 0)] }] }))
    }),
    { numRuns: 100 },
  )
})

test('positions outside the world are counted and not drawn', () => {
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, null, '3', {}, 2 ** 25, -1e308]
  const peers = [aPeer(0, 5, 5), ...wrong.map((x, i) => aPeer(i + 1, x, 0)), { id: 'x' }, { id: 'y', position: 'here' }, null, 7]
  const svg = mapOf({
    islands: [
      { id: 'I1', peers },
      { id: 'I2', peers: [aPeer(99, null, null)] },
    ],
  })
  expectOnlyOurMarkup(svg)
  expect(dotsOf(svg)).toBe(1)
  expect(wordsOf(svg)).toContain('12 peers at no place in the world.')
  expect(wordsOf(svg)).toContain('1 island not on the map for that.')
})

test('any JSON with a list of islands can be drawn', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (islands, peers) => expectOnlyOurMarkup(mapOf({ islands, peers }))),
    { numRuns: 100 },
  )
  const member = fc.record({ id: fc.string(), position: fc.tuple(fc.double(), fc.double(), fc.double()) })
  const island = fc.record({ id: fc.string(), peers: fc.array(member) })
  fc.assert(
    fc.property(fc.array(island), fc.array(member), (islands, peers) => expectOnlyOurMarkup(mapOf({ islands, peers }))),
    { numRuns: 100 },
  )
})

test('without a list of islands there is no data', () => {
  for (const record of [null, 3, 'islands', [], {}, { islands: {} }]) expect(readMapData(record)).toBeUndefined()
})

test('the map of a realm without peers says so', () => {
  expect(wordsOf(mapOf({ islands: [] }))).toContain('There are no peers.')
})

test('peers on no island are grey, and those on an island are not drawn twice', () => {
  const svg = mapOf({
    islands: [{ id: 'I1', peers: [aPeer(1, 0, 0)] }],
    peers: [aPeer(1, 0, 0), aPeer(2, 9, 9), aPeer(3, 20, 9)],
  })
  expect(dotsOf(svg)).toBe(3)
  expect(wordsOf(svg)).toContain('3 peers 1 island')
  expect(wordsOf(svg)).toContain('2 peers on no island, in grey.')
})

test('twenty thousand peers are thinned evenly, and the legend says to how many', () => {
  const svg = mapOf(someCity(20_000))
  expect(svg.length).toBeLessThan(600_000)
  const [, drawn] = /Thinned: ([\d,]+) of 20,000 peers/.exec(wordsOf(svg)) ?? []
  expect(Number(drawn?.replace(',', ''))).toBe(dotsOf(svg))
  expect(dotsOf(svg)).toBeGreaterThan(8_000 - 1)
  expect(dotsOf(svg)).toBeLessThan(8_500)
})

test('neither very many islands nor a very large one make a long map', () => {
  const spot = (n: number) => ((n * 7_919) % 5_003) - 2_500
  const singles = Array.from({ length: 100_000 }, (_, n) => ({ id: `I${n}`, peers: [aPeer(n, spot(n), spot(n * 31))] }))
  const many = mapOf({ islands: singles })
  expect(many.length).toBeLessThan(700_000)
  expect(wordsOf(many)).toContain('1,000 of 100,000 islands have land; peers of the others are grey.')

  const large = mapOf({ islands: [{ id: 'I1', peers: singles.flatMap(({ peers }) => peers) }] })
  expect(large.length).toBeLessThan(700_000)

  const sprawling = Array.from({ length: 500 }, (_, n) => ({
    id: `I${n}`,
    peers: singles.slice(n * 200, n * 200 + 200).flatMap(({ peers }) => peers),
  }))
  expect(mapOf({ islands: sprawling }).length).toBeLessThan(700_000)
})

test('peers beyond the limit of a map are counted', () => {
  const peers = Array.from({ length: MAX_MAPPED_PEERS + 3 }, (_, n) => aPeer(n, n % 50, 0))
  expect(wordsOf(mapOf({ islands: [{ id: 'I1', peers }] }))).toContain('3 peers not counted: 200,000 are the most a map takes.')
})

test('a few outliers do not make the other peers invisible', () => {
  const city = someCity(300)
  const outliers = [aPeer(1_000, 9_000_000, 3), aPeer(1_001, 5, -16_000_000)]
  const svg = mapOf({ islands: [...city.islands, { id: 'far', peers: outliers }] })
  expect(wordsOf(svg)).toMatch(/\b[2-8] peers beyond the edge of the map\./)
  expect(dotsOf(svg)).toBeGreaterThan(293)
  expect(wordsOf(svg)).toContain('200 m')
})

test('crowded places are shown closer where the map is of a city, and not where it is close already', () => {
  expect(panelsOf(mapOf(someCity(600)))).toHaveLength(3)
  const plaza = Array.from({ length: 60 }, (_, n) => aPeer(n, (n % 8) * 5, Math.floor(n / 8) * 5))
  expect(panelsOf(mapOf({ islands: [{ id: 'I1', peers: plaza }] }))).toHaveLength(1)
})
