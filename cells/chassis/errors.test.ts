import { expect, test } from 'vitest'
import { messageOf } from './errors.ts'

const refused = (at: string) => Object.assign(new Error(`connect ECONNREFUSED ${at}`), { code: 'ECONNREFUSED' })

test.each([
  [new Error('broken'), 'broken'],
  ['a text', 'a text'],
  [
    new AggregateError([refused('::1:1'), refused('127.0.0.1:1')]),
    'connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1',
  ],
  [new AggregateError([refused('::1:1')], 'all of them'), 'all of them'],
  [new TypeError('fetch failed', { cause: refused('127.0.0.1:1') }), 'connect ECONNREFUSED 127.0.0.1:1'],
  [new TypeError('fetch failed', { cause: new AggregateError([refused('::1:1')]) }), 'connect ECONNREFUSED ::1:1'],
  [new TypeError('fetch failed'), 'fetch failed'],
  [new Error('could not start', { cause: refused('127.0.0.1:1') }), 'could not start'],
])('the sentence in an error is the one that says something', (thrown, sentence) => {
  expect(messageOf(thrown)).toBe(sentence)
})
