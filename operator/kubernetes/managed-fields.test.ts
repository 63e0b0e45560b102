import { expect, test } from 'vitest'
import { managedPart } from './managed-fields.ts'

const live = (fieldsV1: object, rest: object, manager = 'us', subresource?: string) => ({
  metadata: {
    managedFields: [
      { manager: 'them', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:theirs': {} } } },
      { manager: 'us', operation: 'Update', fieldsV1: { 'f:spec': { 'f:updated': {} } } },
      { manager, operation: 'Apply', ...(subresource && { subresource }), fieldsV1 },
    ],
  },
  ...rest,
})

test('the managed part holds what the manager applied and nothing else', () => {
  const fields = { 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:image': {} } } }
  const spec = { replicas: 2, theirs: 1, updated: 1, template: { image: 'a', pullPolicy: 'Always' } }
  expect(managedPart(live(fields, { spec }), 'us')).toEqual({ spec: { replicas: 2, template: { image: 'a' } } })
})

test('a field that another client took over, or removed, is missing', () => {
  expect(managedPart(live({ 'f:spec': { 'f:replicas': {} } }, { spec: { image: 'evil' } }), 'us')).toEqual({ spec: {} })
})

test('items of lists are found by their keys, defaulted keys included, with the managed fields only', () => {
  const fields = {
    'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:name': {} } },
    'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } },
    'f:finalizers': { 'v:"operator"': {} },
  }
  const given = {
    ports: [
      { port: 80, protocol: 'TCP', name: 'http', nodePort: 30000 },
      { port: 80, protocol: 'UDP' },
    ],
    env: [
      { name: 'THEIRS', value: 'x' },
      { name: 'A', value: '1' },
    ],
    finalizers: ['theirs', 'operator'],
  }
  expect(managedPart(live(fields, given), 'us')).toEqual({
    ports: [{ port: 80, name: 'http' }],
    env: [{ name: 'A', value: '1' }],
    finalizers: ['operator'],
  })
})

test('an atomic field is taken as a whole, and an empty managed map stays empty', () => {
  const fields = { 'f:selector': {}, 'f:args': {}, 'f:labels': { '.': {} } }
  const given = { selector: { a: '1' }, args: ['x', 'y'], labels: { theirs: '1' } }
  expect(managedPart(live(fields, given), 'us')).toEqual({ selector: { a: '1' }, args: ['x', 'y'], labels: {} })
})

test('status is separate from the rest, and an object that was never applied has no managed part', () => {
  const object = live({ 'f:status': { 'f:ready': {} } }, { status: { ready: true } }, 'us', 'status')
  expect(managedPart(object, 'us', 'status')).toEqual({ status: { ready: true } })
  expect(managedPart(object, 'us')).toEqual({})
  expect(managedPart({ metadata: {} }, 'us')).toEqual({})
})
