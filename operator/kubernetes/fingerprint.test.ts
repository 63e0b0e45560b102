import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalText, fingerprintOf, quantityOf } from './fingerprint.ts'

test('the order of fields and absent fields do not count, the order of lists and empty values do', () => {
  expect(canonicalText({ a: 1, b: { d: null, c: undefined } })).toBe(canonicalText({ b: {}, a: 1 }))
  expect(canonicalText({ a: [1, 2] })).not.toBe(canonicalText({ a: [2, 1] }))
  expect(canonicalText({ emptyDir: {} })).not.toBe(canonicalText({}))
  expect(canonicalText({ replicas: 1 })).not.toBe(canonicalText({ replicas: '1' }))
  expect(canonicalText({ hostNetwork: false })).not.toBe(canonicalText({}))
})

test('quantities are equal in every spelling, but only where Kubernetes has quantities', () => {
  const desired = { limits: { cpu: '1000m', memory: '1536Mi' }, requests: { cpu: 0.5 } }
  const live = { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '1.5Gi' } }
  expect(canonicalText(desired)).toBe(canonicalText(live))
  expect(canonicalText({ labels: { cpu: '1000m' } })).not.toBe(canonicalText({ labels: { cpu: '1' } }))
  expect(quantityOf('2e3')).toBe(2000)
  expect(quantityOf('1100m')).toBe(1.1)
  expect(quantityOf('lots')).toBe('lots')
})

test('a value has the same text after a round trip through JSON', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => canonicalText(JSON.parse(JSON.stringify(value))) === canonicalText(value)))
})

test('different names and values never have the same text', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('"', ':', ',', '1"', '}', ']', '{', '1')), { maxLength: 3 })
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const same = a.length === b.length && a.every((text, index) => text === b[index])
      const nested = (list: string[]) => ({ [list[0] ?? '']: list.slice(1), list: { [list.join()]: list.at(-1) } })
      return (canonicalText(a) === canonicalText(b)) === same && (!same || canonicalText(nested(a)) === canonicalText(nested(b)))
    }),
  )
})

test('the fingerprint of an object leaves out its name, its status and what the API server adds', () => {
  const manifest = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', labels: { x: '1' } }, spec: { ports: [] } }
  const live = {
    ...manifest,
    metadata: { ...manifest.metadata, name: 'b', uid: 'u', resourceVersion: '5' },
    status: { ready: true },
  }
  expect(fingerprintOf(live)).toBe(fingerprintOf(manifest))
  expect(fingerprintOf({ ...manifest, spec: { ports: [1] } })).not.toBe(fingerprintOf(manifest))
})
