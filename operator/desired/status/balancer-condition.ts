import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import { balancerProblem, type PublicBalancer } from '../load-balancer.ts'
import { proxyName } from '../naming.ts'
import type { ConditionDraft } from './conditions.ts'

/** `RouteAccepted` of a realm that is exposed by a load balancer: whether that has an address, and what has to lead there. */
export function balancerCondition(realm: Realm, balancer: PublicBalancer): ConditionDraft<RealmReasons> {
  const type = 'RouteAccepted'
  const problem = balancerProblem(realm, balancer)
  if (problem) return { type, status: 'False', reason: 'AddressPending', message: problem }
  const address = balancer.state === 'Open' ? balancer.address : ''
  const host = realm.spec.exposure.host ?? address
  const isNamed = host.replace(/^\[|\]$/g, '') !== address
  const use = isNamed
    ? `the name ${host} has to lead there`
    : 'the URLs of the realm have it; explorers who hold it have to enter anew if it changes, so set exposure.host before many do'
  return {
    type,
    status: 'True',
    reason: 'Accepted',
    message: `the load balancer of the Service ${proxyName(realm)} has the address ${address}; ${use}`,
  }
}
