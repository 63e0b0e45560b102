import { expect, test } from 'vitest'
import { lastSentencesOf } from './termination-message.ts'

const entry = (fields: object) => JSON.stringify({ level: 'fatal', time: new Date(0).toISOString(), service: 'stats', ...fields })

test.each([
  ['plain lines are taken as they are', 'NATS_URL: required\nBUS_SCOPE: required\n', 'NATS_URL: required\nBUS_SCOPE: required'],
  ['those after log entries', `${entry({ msg: 'serving' })}\nport 80 is taken\n`, 'port 80 is taken'],
  ['of log entries, the last one has the reason', `${entry({ msg: 'a' })}\n${entry({ msg: 'b' })}`, 'b'],
  [
    'with the sentence of its error',
    entry({ msg: 'could not start', err: { message: 'no', stack: 'x' } }),
    'could not start: no',
  ],
  ['an entry of another program has none', entry({ text: 'x', err: null }), ''],
  ['nor has one that was cut off', entry({ msg: 'serving' }).slice(0, -5), ''],
  ['nothing is nothing', ' \n', ''],
])('%s', (_, text, expected) => {
  expect(lastSentencesOf(text)).toBe(expected)
})

test('two attempts that end alike read alike, and no text is longer than a sentence', () => {
  const at = (ms: number) =>
    entry({ time: new Date(ms).toISOString(), msg: 'could not start', err: { message: 'x'.repeat(5_000) } })
  expect(lastSentencesOf(at(1))).toBe(lastSentencesOf(at(2)))
  expect(lastSentencesOf(at(1))).toHaveLength(200)
})
