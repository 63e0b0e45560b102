import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Whether the operator may connect to an IP address on behalf of a user. */
export type MayConnect = (address: string) => boolean

/**
 * Refuses this machine itself, its links, where clouds answer with credentials, and groups; and the further addresses, such as the API
 * server's. Users write the URLs the operator connects to, and must reach no more by it than by a pod of their own.
 */
export function publicAddresses(further: readonly string[] = []): MayConnect {
  const refused = new BlockList()
  for (const [network, prefix] of [
    ['0.0.0.0', 8],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['224.0.0.0', 3],
  ] as const)
    refused.addSubnet(network, prefix, 'ipv4')
  for (const [network, prefix] of [
    ['::', 128],
    ['::1', 128],
    ['fe80::', 10],
    ['ff00::', 8],
    ['fd00:ec2::', 32],
  ] as const)
    refused.addSubnet(network, prefix, 'ipv6')
  for (const address of further) if (isIP(address)) refused.addAddress(address, familyOf(address))
  return (address) => {
    const plain = unmapped(address)
    return isIP(plain) !== 0 && !refused.check(plain, familyOf(plain))
  }
}

/**
 * Resolves a name to the addresses that may be connected to. The connection is made to one of those, so that a name which resolves to
 * another address a moment later changes nothing.
 */
export const safeLookup =
  (mayConnect: MayConnect): LookupFunction =>
  (host, options, callback) =>
    resolve(host, { ...options, all: true }, (error, addresses = []) => {
      const [first, ...others] = error ? [] : addresses.filter(({ address }) => mayConnect(address))
      if (!first) callback(error ?? new Error(`${host} is not to be connected to`), [])
      else if (options.all) callback(null, [first, ...others])
      else callback(null, first.address, first.family)
    })

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** An IPv4 address that is written as an IPv6 one leads to the same place. */
function unmapped(address: string): string {
  const embedded = /^(?:::ffff:|::|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (embedded) return embedded
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address)
  if (!hex) return address
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}
