import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical, fingerprintOf, quantityOf } from './fingerprint.ts'

test('order of fields and absent fields mean nothing, order of lists and empty values do', () => {
  expect(canonical({ a: 1, b: { d: null, c: undefined } })).toBe(canonical({ b: {}, a: 1 }))
  expect(canonical({ a: [1, 2] })).not.toBe(canonical({ a: [2, 1] }))
  expect(canonical({ emptyDir: {} })).not.toBe(canonical({}))
  expect(canonical({ replicas: 1 })).not.toBe(canonical({ replicas: '1' }))
  expect(canonical({ hostNetwork: false })).not.toBe(canonical({}))
})

test('quantities are equal however they are spelled, and only where quantities stand', () => {
  const ours = { limits: { cpu: '1000m', memory: '1536Mi' }, requests: { cpu: 0.5 } }
  const theirs = { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '1.5Gi' } }
  expect(canonical(ours)).toBe(canonical(theirs))
  expect(canonical({ labels: { cpu: '1000m' } })).not.toBe(canonical({ labels: { cpu: '1' } }))
  expect(quantityOf('2e3')).toBe(2000)
  expect(quantityOf('1100m')).toBe(1.1)
  expect(quantityOf('lots')).toBe('lots')
})

test('a value has the same text however it travelled', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => canonical(JSON.parse(JSON.stringify(value))) === canonical(value)))
})

test('no name or value can be written so that it looks like others', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('"', ':', ',', '1"', '}', ']', '{', '1')), { maxLength: 3 })
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const same = a.length === b.length && a.every((text, index) => text === b[index])
      const nested = (list: string[]) => ({ [list[0] ?? '']: list.slice(1), list: { [list.join()]: list.at(-1) } })
      return (canonical(a) === canonical(b)) === same && (!same || canonical(nested(a)) === canonical(nested(b)))
    }),
  )
})

test('the fingerprint of an object leaves out its name, its status and what the API server adds', () => {
  const wish = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', labels: { x: '1' } }, spec: { ports: [] } }
  const live = { ...wish, metadata: { ...wish.metadata, name: 'b', uid: 'u', resourceVersion: '5' }, status: { ready: true } }
  expect(fingerprintOf(live)).toBe(fingerprintOf(wish))
  expect(fingerprintOf({ ...wish, spec: { ports: [1] } })).not.toBe(fingerprintOf(wish))
})
