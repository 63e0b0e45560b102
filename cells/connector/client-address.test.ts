import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { clientAddress } from './client-address.ts'

const request = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

test.each([
  ['a direct client is who it is', '203.0.113.7', undefined, '203.0.113.7'],
  ['an IPv4 client of an IPv6 socket is the same client', '::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['a direct client cannot claim to be another', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['an ingress is believed', '10.42.0.3', '203.0.113.7', '203.0.113.7'],
  ['an ingress on IPv6 is believed', 'fd00::3', '2001:db8::7', '2001:db8::7'],
  ['what a client wrote in front of the ingress is not', '10.42.0.3', '1.2.3.4, 203.0.113.7', '203.0.113.7'],
  ['a load balancer before the ingress is looked through', '10.42.0.3', '203.0.113.7, 10.0.0.9', '203.0.113.7'],
  ['players inside the network count each for itself', '10.42.0.3', '192.168.1.20', '192.168.1.20'],
  ['a socket already gone has no address', undefined, undefined, ''],
])('%s', (_, remote, forwarded, expected) => {
  expect(clientAddress(request(remote, forwarded))).toBe(expected)
})

test('a header full of rubbish is cut, not kept', () => {
  expect(clientAddress(request('10.0.0.1', 'x'.repeat(10_000))).length).toBeLessThanOrEqual(64)
})
