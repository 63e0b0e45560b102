import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { TakenHost } from '../../observed/workload.ts'
import { publicAddressOf } from '../public-address.ts'

/** Which further hosts of its gatekeeper belong to other realms. */
export function hostsTakenMessage(realm: Realm, taken: readonly TakenHost[]): string {
  const hosts = taken.map(({ host, by }) => `${host} belongs to ${nameFor(realm, by)}`)
  return `${hosts.join(', ')}: choose others in gatekeeper.hosts. Until then the gatekeeper is not reached there; all else is as the spec says`
}

/** Why a realm is not reachable at its public address. */
export function addressTakenMessage(realm: Realm, holder: ObjectKey): string {
  const field = realm.spec.exposure.host ? 'exposure.host' : 'exposure.url'
  return `${nameFor(realm, holder)} is reached at ${publicAddressOf(realm)}: choose another ${field}. Until then players are not sent to this realm`
}

/** A realm of another namespace is not named: it may belong to a stranger. */
const nameFor = ({ metadata }: Realm, { namespace, name }: ObjectKey): string =>
  namespace === metadata.namespace ? `the realm ${name}` : 'another realm of the cluster'
