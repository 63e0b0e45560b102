import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { claimedClientAddress, clientAddress, cloudflareClientAddress } from './client-address.ts'

const request = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

test.each([
  ['a direct client has the address of its socket', '203.0.113.7', undefined, '203.0.113.7'],
  ['an IPv4 client of an IPv6 socket is the same client', '::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['a direct client cannot claim to be another', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['an ingress is trusted', '10.42.0.3', '203.0.113.7', '203.0.113.7'],
  ['an ingress on IPv6 is trusted', 'fd00::3', '2001:db8::7', '2001:db8::7'],
  ['what a client wrote in front of the ingress is not trusted', '10.42.0.3', '1.2.3.4, 203.0.113.7', '203.0.113.7'],
  ['a load balancer in front of the ingress is skipped', '10.42.0.3', '203.0.113.7, 10.0.0.9', '203.0.113.7'],
  ['players inside the network each have their own address', '10.42.0.3', '192.168.1.20', '192.168.1.20'],
  ['a socket that is already closed has no address', undefined, undefined, ''],
])('%s', (_, remote, forwarded, expected) => {
  expect(clientAddress(request(remote, forwarded))).toBe(expected)
})

test('a header that is no address is cut to a bounded length', () => {
  expect(clientAddress(request('10.0.0.1', 'x'.repeat(10_000))).length).toBeLessThanOrEqual(64)
})

test('the claimed address is the first in the header, else that of the socket', () => {
  const remoteAddress = '10.42.0.3'
  expect(claimedClientAddress({ headers: { 'x-forwarded-for': '203.0.113.7, 198.51.100.1' }, remoteAddress })).toBe('203.0.113.7')
  expect(claimedClientAddress({ headers: {}, remoteAddress })).toBe(remoteAddress)
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['not an address', undefined],
  [undefined, undefined],
])('of the header of Cloudflare, %j is read as %j', (given, expected) => {
  expect(cloudflareClientAddress(given === undefined ? {} : { 'cf-connecting-ip': given })).toBe(expected)
})
