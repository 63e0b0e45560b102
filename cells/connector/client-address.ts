import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'

/** Addresses that are never a player on the internet: this machine, private networks, shared carrier space. */
const inside = new BlockList()
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  inside.addSubnet(network, prefix, 'ipv4')
inside.addAddress('::1', 'ipv6')
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addSubnet('fe80::', 10, 'ipv6')

const isInside = (address: string): boolean => inside.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/**
 * The address a connection counts for. Behind an ingress every socket comes from the ingress, so what it forwarded is believed,
 * from the right (what our own proxies wrote) up to the first address outside; a stranger who connects directly is not believed.
 */
export function clientAddress({ socket, headers }: IncomingMessage): string {
  const direct = plain(socket.remoteAddress ?? '')
  const forwarded = headers['x-forwarded-for']
  if (forwarded === undefined || !isInside(direct)) return direct
  const hops = String(forwarded).split(',').map(plain).reverse()
  return hops.find((hop) => !isInside(hop)) ?? hops[0] ?? direct
}

// An IPv4 client of an IPv6 socket is the same client.
const plain = (address: string): string =>
  address
    .trim()
    .slice(0, MAX_ADDRESS_LENGTH)
    .replace(/^::ffff:(?=\d+\.)/i, '')

const MAX_ADDRESS_LENGTH = 64
