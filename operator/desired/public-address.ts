import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'

/**
 * The host, port and path under which players outside the cluster reach a realm; undefined when they do not. Two realms cannot share one:
 * both would have the same paths below it.
 */
export function publicAddressOf({ spec }: Realm): string | undefined {
  const { host, url } = spec.exposure ?? {}
  if (host) return host
  return url === undefined ? undefined : addressIn(url)
}

/** All addresses that a realm asks for: its own, and the further hosts of its gatekeeper, which are addresses without a path. */
export const addressesOf = (realm: Realm): string[] => {
  const own = publicAddressOf(realm)
  return [...new Set([...(own === undefined ? [] : [own]), ...gatekeeperHostsOf(realm)])]
}

/** The further hosts of the gatekeeper that a realm asks for. */
export const gatekeeperHostsOf = ({ spec }: Realm): readonly string[] => spec.gatekeeper?.hosts ?? []

/**
 * The realm that has an address, among those that ask for it: one that has it already, else the oldest. So a realm that changes to the
 * address of another one does not take it away, however old it is.
 */
export function holderOf(address: string, realms: readonly Realm[]): ObjectKey | undefined {
  return [...realms].sort(
    (a, b) =>
      Number(holds(b, address)) - Number(holds(a, address)) ||
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
      keyText(a.metadata).localeCompare(keyText(b.metadata)),
  )[0]?.metadata
}

// The status of a realm names its services at its addresses, also while it is hibernated, and not while another realm has the address.
const holds = ({ status }: Realm, address: string): boolean => {
  const { stats, gatekeeper, gatekeeperHosts = [] } = status?.urls ?? {}
  return [
    stats && addressIn(stats) === `${address}/stats`,
    gatekeeper && addressIn(gatekeeper) === `${address}/gatekeeper`,
    gatekeeperHosts.some((url) => addressIn(url) === address),
  ].includes(true)
}

const addressIn = (url: string): string => {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname.replace(/\/+$/, '')}` : url
}
