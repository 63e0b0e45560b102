import { expect, test } from 'vitest'
import { readRelayAddress, relayText } from './relay-address.ts'

test.each([
  ['relay.example.org', 'relay.example.org:7777'],
  ['relay.example.org:30777', 'relay.example.org:30777'],
  ['203.0.113.7', '203.0.113.7:7777'],
  ['[2001:db8::7]', '[2001:db8::7]:7777'],
  ['[2001:db8::7]:65535', '[2001:db8::7]:65535'],
])('the relay %s is written as %s for explorers', (text, written) => {
  const address = readRelayAddress(text)
  expect(address && relayText(address)).toBe(written)
})

test.each([
  '',
  ':7777',
  '2001:db8::7',
  'relay.example.org:',
  'relay:0',
  'relay:65536',
  'udp://relay',
  'a b',
  '[relay]',
  'a-',
  '[::1',
])('%j is no relay', (text) => expect(readRelayAddress(text)).toBeUndefined())
