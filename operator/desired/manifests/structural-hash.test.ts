import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../rollout/revision.ts'
import { structuralHash } from './structural-hash.ts'

const data = fc.jsonValue({ maxDepth: 4 })

/** The same value with the fields of each object in the other order, and fields without a value. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, reordered(field)] as const)
  return Object.fromEntries([...fields.reverse(), ['absent', undefined]])
}

test('equal values have equal hashes, whatever the order of their fields', () => {
  fc.assert(
    fc.property(data, (value) => structuralHash(reordered(value)) === structuralHash(value)),
    { numRuns: 2_000 },
  )
})

test('different values have different hashes', () => {
  fc.assert(
    fc.property(data, data, (a, b) => (structuralHash(a) === structuralHash(b)) === (canonicalJson(a) === canonicalJson(b))),
    { numRuns: 5_000, seed: 1 },
  )
})

test('a value changed in one place has another hash', () => {
  const image = (tag: string) => ({ spec: { containers: [{ name: 'a', image: `realm:${tag}` }, { name: 'b' }] } })
  const hashes = [
    ...[image('1'), image('2'), { ...image('1'), extra: null }, { ...image('1'), extra: false }],
    ...['1', 1, [1], ['1'], [[1]], {}, [], null, true, 'true', '', { '': '' }, { a: 'b' }, { b: 'a' }, { ab: '' }],
    ...[{ a: 1, b: 2 }, { a: 2, b: 1 }, [1, 2], [2, 1], { a: { b: 1 } }, { b: { a: 1 } }],
    ...Array.from({ length: 20_000 }, (_, n) => ({ env: [{ name: 'A', value: String(n) }] })),
  ].map(structuralHash)
  expect(new Set(hashes).size).toBe(hashes.length)
})

test('the hash is the same in every version, or every service would take its turn in an upgrade', () => {
  expect(structuralHash({ spec: { containers: [{ image: 'realm:1', args: ['stats'] }], replicas: 2 } }).toString(16)).toBe(
    '99b86f16',
  )
})
