import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { publicAddressOf } from '../public-address.ts'

/** Why a realm is not reachable at its public address. A realm of another namespace is not named: it may belong to a stranger. */
export function addressTakenMessage(realm: Realm, { namespace, name }: ObjectKey): string {
  const holder = namespace === realm.metadata.namespace ? `the realm ${name}` : 'another realm of the cluster'
  const field = realm.spec.exposure.host ? 'exposure.host' : 'exposure.url'
  return `${holder} is reached at ${publicAddressOf(realm)}: choose another ${field}. Until then players are not sent to this realm`
}
