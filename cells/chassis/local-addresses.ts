import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { PRIVATE_NETWORKS } from './private-networks.ts'

/**
 * Addresses that mean something else for every machine, and that no tenant may have this process connect to: this machine itself, its links
 * (where clouds serve the credentials of a node), and groups of machines. Private networks are not among them: a catalyst may be in one.
 */
const local = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // Multicast, reserved addresses, broadcast.
  ['224.0.0.0', 3],
] as const)
  local.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  // Unspecified, loopback, and IPv4 addresses in a form that is long out of use.
  ['::', 96],
  ['fe80::', 10],
  ['ff00::', 8],
  // The IPv4 addresses above, translated from IPv6.
  ['64:ff9b::', 104],
  ['64:ff9b::7f00:0', 104],
  ['64:ff9b::a9fe:0', 112],
  // The metadata service of AWS.
  ['fd00:ec2::254', 128],
] as const)
  local.addSubnet(network, bits, 'ipv6')

/** Whether a text is an IP address, with or without brackets, that must not be connected to for a tenant. */
export function isLocalAddress(text: string): boolean {
  const address = text.replace(/^\[|\]$/g, '').split('%', 1)[0] ?? ''
  return isIP(address) !== 0 && local.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** Networks that are not the internet, also where their IPv4 addresses are translated from IPv6. */
const inside = new BlockList()
for (const network of PRIVATE_NETWORKS) {
  const [address = '', bits] = network.split('/')
  if (isIPv6(address)) inside.addSubnet(address, Number(bits), 'ipv6')
  else {
    inside.addSubnet(address, Number(bits), 'ipv4')
    inside.addSubnet(`64:ff9b::${address}`, 96 + Number(bits), 'ipv6')
  }
}

/** Whether a text is an IP address, with or without brackets, that means the same machine on the whole internet. */
export function isPublicAddress(text: string): boolean {
  const address = text.replace(/^\[|\]$/g, '').split('%', 1)[0] ?? ''
  return isIP(address) !== 0 && !isLocalAddress(address) && !inside.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** An address that must not be connected to was refused. */
export class LocalAddressError extends Error {
  constructor(host: string) {
    super(`${host} has no address that may be connected to`)
  }
}

/**
 * Resolves names as Node does, without the addresses among the results that may not be connected to, by default those of this machine. The result is what is connected to, so that a name cannot
 * resolve to another address after it was checked. A host that is an address itself is never looked up: see `isLocalAddress`.
 *
 * A name with a dot is looked up as it is written, and below the domains in which a pod searches only where there is no such name: in a
 * cluster the tenant of a namespace `com` could otherwise answer in place of a public server, and `nats.infra` is a Service.
 *
 * @param onlyAsWritten never below the domains in which a pod searches
 */
export function remoteLookup(
  resolve: typeof dnsLookup = dnsLookup,
  mayConnect = (address: string) => !isLocalAddress(address),
  onlyAsWritten = false,
): LookupFunction {
  return (hostname, options, callback) => {
    const absolute = hostname.endsWith('.') ? hostname : `${hostname}.`
    const mayFollow = !onlyAsWritten && absolute !== hostname
    const first = mayFollow && !hostname.includes('.') ? hostname : absolute
    const settle = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
      if (error) return callback(error, '')
      const remote = found.filter(({ address }) => mayConnect(address))
      const [chosen] = remote
      if (!chosen) callback(new LocalAddressError(hostname), '')
      else if (options.all) callback(null, remote)
      else callback(null, chosen.address, chosen.family)
    }
    resolve(first, { ...options, all: true }, (error, found) => {
      // Any other error says nothing of whether there is such a name.
      if (error?.code === 'ENOTFOUND' && mayFollow && first !== hostname) resolve(hostname, { ...options, all: true }, settle)
      else settle(error, found)
    })
  }
}
