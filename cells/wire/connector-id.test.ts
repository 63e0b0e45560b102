import { expect, test } from 'vitest'
import { connectorOf, newConnectorId } from './connector-id.ts'
import { FencingTokens, parseFencingToken } from './fencing-token.ts'

test('a session names the connector that issued it, and is a fencing token for every version', () => {
  const connector = newConnectorId()
  const session = new FencingTokens().next(1_760_000_000_000, connector)
  expect(connectorOf(session)).toBe(connector)
  expect(parseFencingToken(session)).toBe(session)
})

test.each(['0123456789ab', 'k0123456789a', 'k0123456789abc', 'kzzzzzzzzzzzz', 'boot', 'session'])(
  'a session of issuer %s names no connector',
  (issuer) => {
    expect(connectorOf(new FencingTokens().next(1_760_000_000_000, issuer))).toBeUndefined()
  },
)

test('no two connectors have one id', () => {
  expect(newConnectorId()).not.toBe(newConnectorId())
})
