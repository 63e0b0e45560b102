import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { claimedClientAddress, cloudflareClientAddress, isNetworkList, TrustedProxies } from './client-address.ts'

const request = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

const oneClient = (network: string) => ({ network, isOneClient: true })
const shared = (network: string) => ({ network, isOneClient: false })

test.each([
  ['a direct client has the address of its socket', '203.0.113.7', undefined, oneClient('203.0.113.7')],
  ['an IPv4 client of an IPv6 socket is the same client', '::ffff:203.0.113.7', undefined, oneClient('203.0.113.7')],
  ['so it is in hexadecimal', '::ffff:cb00:7107', undefined, oneClient('203.0.113.7')],
  ['the addresses of one IPv6 network are one household', '2001:db8:0:1::1', undefined, oneClient('2001:db8:0:1::/64')],
  ['whatever their spelling', '2001:0DB8::1:ffff:0:0:2', undefined, oneClient('2001:db8:0:1::/64')],
  ['a client cannot claim to be another', '203.0.113.7', '198.51.100.1', oneClient('203.0.113.7')],
  ['a private peer is not believed either', '10.42.0.3', '203.0.113.7', shared('10.42.0.3')],
  ['a private peer without the header is a proxy or a NAT', '10.42.0.3', undefined, shared('10.42.0.3')],
  ['so is one on IPv6', 'fd00::3', undefined, shared('fd00:0:0:0::/64')],
  ['a socket that is already closed has no address', undefined, undefined, shared('')],
])('without trusted proxies, %s', (_, remote, forwarded, expected) => {
  expect(new TrustedProxies().clientOf(request(remote, forwarded))).toEqual(expected)
})

test.each([
  ['names the client', '10.42.0.3', '203.0.113.7', oneClient('203.0.113.7')],
  ['may be on IPv6', 'fd00::3', '2001:db8::7', oneClient('2001:db8:0:0::/64')],
  ['may be in a public range', '25.0.0.5', '203.0.113.7', oneClient('203.0.113.7')],
  ['may be an IPv4 peer of an IPv6 socket', '::ffff:10.42.0.3', '203.0.113.7', oneClient('203.0.113.7')],
  ['does not vouch for what the client wrote', '10.42.0.3', '1.2.3.4, 203.0.113.7', oneClient('203.0.113.7')],
  ['may be behind another one', '10.42.0.3', '203.0.113.7, 10.0.0.9', oneClient('203.0.113.7')],
  ['may write the port', '10.42.0.3', '203.0.113.77:5555', oneClient('203.0.113.77')],
  ['may write brackets', '10.42.0.3', '[2001:db8::7]:5555', oneClient('2001:db8:0:0::/64')],
  ['may be connected by a load balancer with SNAT', '10.42.0.3', '192.168.1.20', shared('192.168.1.20')],
  ['may not know the client', '10.42.0.3', undefined, shared('10.42.0.3')],
  ['may write no address', '10.42.0.3', '1.2.3.4, unknown', shared('10.42.0.3')],
  ['may write too much', '10.42.0.3', `${'x'.repeat(10_000)},`.repeat(100), shared('10.42.0.3')],
])('a trusted proxy %s', (_, remote, forwarded, expected) => {
  expect(new TrustedProxies('10.0.0.0/8, fc00::/7,25.0.0.5').clientOf(request(remote, forwarded))).toEqual(expected)
})

test('proxies whose addresses are not known are counted from the nearest', () => {
  const cdn = request('10.42.0.3', '1.2.3.4, 203.0.113.7, 198.51.100.7')
  expect(new TrustedProxies('10.0.0.0/8', 0).clientOf(cdn)).toEqual(oneClient('198.51.100.7'))
  expect(new TrustedProxies('10.0.0.0/8', 1).clientOf(cdn)).toEqual(oneClient('203.0.113.7'))
  expect(new TrustedProxies('', 2).clientOf(cdn)).toEqual(oneClient('203.0.113.7'))
  expect(new TrustedProxies('10.0.0.0/8,198.51.100.0/24').clientOf(cdn)).toEqual(oneClient('203.0.113.7'))
  expect(new TrustedProxies('', 2).clientOf(request('10.42.0.3'))).toEqual(shared('10.42.0.3'))
})

test('lists of networks are checked', () => {
  for (const list of ['', '10.0.0.0/8', '10.0.0.1, fd00::/8 ,']) expect(isNetworkList(list), list).toBe(true)
  for (const list of ['10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/8', 'cluster', '10.0.0.0/x', '/8', '10.0.0.0/'])
    expect(isNetworkList(list), list).toBe(false)
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
