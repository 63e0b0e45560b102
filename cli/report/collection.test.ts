import { expect, test } from 'vitest'
import { adder, type Collection } from './collection.ts'

test('the limit is of all files together, also of those that are added later', () => {
  const collection: Collection = { texts: new Map(), missing: [] }
  adder(collection, { maxBytes: 10 })('objects', '12345678')
  const add = adder(collection, { maxBytes: 10 })
  add('checks', '123')
  add('versions', '12')
  expect([...collection.texts.keys()]).toEqual(['objects', 'versions'])
  expect(collection.missing).toMatchObject([{ what: 'checks' }])
})
