import { BlockList, isIP } from 'node:net'
import { isLocalAddress } from '../../../cells/chassis/local-addresses.ts'

/** Whether the operator may connect to an IP address on behalf of a user. */
export type MayConnect = (address: string) => boolean

/**
 * Refuses what no tenant may have a process connect to, and the further addresses, such as the API server's. Users write the URLs the
 * operator connects to, and must reach no more by it than by a pod of their own.
 */
export function publicAddresses(further: readonly string[] = []): MayConnect {
  const refused = new BlockList()
  for (const address of further) if (isIP(address)) refused.addAddress(address, familyOf(address))
  return (address) => isIP(address) !== 0 && !isLocalAddress(address) && !refused.check(address, familyOf(address))
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
