import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { PRIVATE_NETWORKS } from './private-networks.ts'

const internal = blockListOf(PRIVATE_NETWORKS)

/** Whether an address is one of this machine or of a private network, as those of pods are. */
export function isInternalAddress(text: string): boolean {
  const address = ipAddressOf(text)
  return address !== undefined && isIn(internal, address)
}

/** The address of the other end of a connection, '' when it is closed already; an IPv4 one in the spelling of IPv4. */
export const peerAddressOf = (socket: { remoteAddress?: string | undefined }): string =>
  ipAddressOf(socket.remoteAddress ?? '') ?? ''

/** Longest list of hops that is read. */
const MAX_HOPS = 32

/** Where a connection comes from, as far as a limit per client can tell. */
export interface ClientAddress {
  /** An IPv4 address, or the /64 network of an IPv6 address: a household has one of them. */
  readonly network: string
  /** Whether it is the network of one household. A proxy, a NAT or a private network may stand for any number of players. */
  readonly isOneClient: boolean
}

/** The proxies that may say, in `x-forwarded-for`, for which client they connect. What other peers claim there is not read. */
export class TrustedProxies {
  /** Undefined where there are none: to ask a list takes time, and each connection does. */
  readonly #networks: BlockList | undefined
  readonly #hops: number

  /**
   * @param networks CIDRs or addresses, separated by commas
   * @param hops how many further proxies there are, whose addresses are not known
   */
  constructor(networks = '', hops = 0) {
    const cidrs = cidrsOf(networks)
    this.#networks = cidrs.length === 0 ? undefined : blockListOf(cidrs)
    this.#hops = hops
  }

  /**
   * The nearest hop that is no known proxy: each proxy writes whom it was connected by at the right end of the header, and whatever is left
   * of the nearest unknown hop was claimed by that hop.
   */
  clientOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): ClientAddress {
    let [hops, nearest] = [this.#hops, '']
    for (const hop of hopsOf(peerAddressOf(socket), headers['x-forwarded-for'])) {
      const address = ipAddressOf(hop)
      if (address === undefined) break
      nearest = address
      if (this.#networks && isIn(this.#networks, address)) continue
      if (hops-- <= 0) return { network: networkOf(address), isOneClient: !isIn(internal, address) }
    }
    return { network: networkOf(nearest), isOneClient: false }
  }
}

/** What limits count an address by: an IPv4 address in one spelling, or the /64 network of an IPv6 address; '' for no address. */
export const networkOfAddress = (text: string): string => networkOf(ipAddressOf(text) ?? '')

/** Whether a text is a list for `TrustedProxies`. */
export const isNetworkList = (text: string): boolean =>
  cidrsOf(text).every((cidr) => {
    const [address = '', prefix, ...rest] = cidr.split('/')
    const bits = isIPv6(address) ? 128 : 32
    return (
      isIP(address) !== 0 && rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
    )
  })

/**
 * The address a client, or the first proxy, claims in `x-forwarded-for`: for spreading load only, where a client that claims
 * another one gains nothing. Unlike `TrustedProxies` it distinguishes clients that connect through a proxy on the internet, such
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

const cidrsOf = (text: string): string[] =>
  text
    .split(',')
    .map((cidr) => cidr.trim())
    .filter((cidr) => cidr !== '')

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/')
    const [family, bits] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const)
    list.addSubnet(address, Number(prefix ?? bits), family)
  }
  return list
}

const isIn = (list: BlockList, address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** The peer of a connection and the hops it names, the nearest first. */
function* hopsOf(peer: string, forwarded: string | string[] | undefined): Generator<string> {
  yield peer
  if (forwarded !== undefined) yield* String(forwarded).split(',').slice(-MAX_HOPS).reverse()
}

/** How Node writes an IPv4 address of a socket that listens to IPv6. */
const MAPPED_IPV4 = '::ffff:'

/** An address without port, brackets and zone, in one spelling: an IPv4 client of an IPv6 socket is the same client. */
function ipAddressOf(text: string): string | undefined {
  const plain = text.startsWith(MAPPED_IPV4) ? text.slice(MAPPED_IPV4.length) : text
  if (isIPv4(plain)) return plain
  const [, bracketed, , ipv4] = /^(?:\[([^\]]+)\](:\d+)?|([\d.]+):\d+)$/.exec(text.trim()) ?? []
  const address = (bracketed ?? ipv4 ?? text.trim()).split('%', 1)[0] ?? ''
  if (!isIPv6(address)) return isIP(address) === 0 ? undefined : address
  const groups = groupsOf(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (!isMapped) return address
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** What limits count by; '' for no address. */
const networkOf = (address: string): string =>
  isIPv6(address)
    ? `${groupsOf(address)
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
    : address

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser brings every spelling to one, with hexadecimal groups only.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = [left, right ?? ''].map((part) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)),
  )
  const zeros = 8 - (head?.length ?? 0) - (tail?.length ?? 0)
  return [...(head ?? []), ...Array<number>(zeros).fill(0), ...(tail ?? [])]
}
