import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Addresses that are never a player on the internet: this machine, private networks, shared carrier space. */
const internal = new BlockList()
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  internal.addSubnet(network, prefix, 'ipv4')
internal.addAddress('::1', 'ipv6')
internal.addSubnet('fc00::', 7, 'ipv6')
internal.addSubnet('fe80::', 10, 'ipv6')

const isInternal = (address: string): boolean => internal.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** Whether an address is one of this machine or of a private network, as those of pods are. */
export const isInternalAddress = (address: string): boolean => isInternal(normalized(address))

const MAX_ADDRESS_LENGTH = 64

/**
 * The address that limits per client count by. Behind an ingress every socket comes from the ingress, so its `x-forwarded-for` is
 * trusted, from the right (the hops that the ingress and load balancers of the cluster wrote) up to the first address outside;
 * that of a client that connects directly is not.
 */
export function clientAddress({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string {
  const direct = normalized(socket.remoteAddress ?? '')
  const forwarded = headers['x-forwarded-for']
  if (forwarded === undefined || !isInternal(direct)) return direct
  const hops = String(forwarded).split(',').map(normalized).reverse()
  return hops.find((hop) => !isInternal(hop)) ?? hops[0] ?? direct
}

/**
 * The address a client, or the first proxy, claims in `x-forwarded-for`: for spreading load only, where a client that claims
 * another one gains nothing. Unlike `clientAddress` it distinguishes clients that connect through a proxy on the internet, such
 * as a CDN.
 */
export function claimedClientAddress({
  headers,
  remoteAddress,
}: {
  headers: IncomingHttpHeaders
  remoteAddress: string
}): string {
  const [first] = String(headers['x-forwarded-for'] ?? '').split(',', 1)
  return first?.trim() || remoteAddress
}

/**
 * The address Cloudflare says a request comes from (gatekeeper.md §2.5), for the record only; text that is no address was not
 * written by it.
 */
export function cloudflareClientAddress(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['cf-connecting-ip']
  return typeof given === 'string' && isIP(given) !== 0 ? given : undefined
}

// An IPv4 client of an IPv6 socket is the same client.
const normalized = (address: string): string =>
  address
    .trim()
    .slice(0, MAX_ADDRESS_LENGTH)
    .replace(/^::ffff:(?=\d+\.)/i, '')
