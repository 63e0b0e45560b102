import { conditionOf, type Realm, type RealmReasons } from '../../../crds/realm.ts'
import type { Reach } from '../../observed/reachability.ts'
import type { RealmObserved } from '../../observed/workload.ts'
import type { Claim } from './conditions.ts'

/** Whether the NATS and the LiveKit of a realm are there: its own run, those outside were reached. Told, and never acted upon: what we cannot reach, players may. */
export function dependenciesClaim(realm: Realm, { services }: RealmObserved, reached: readonly Reach[]): Claim<RealmReasons> {
  const type = 'DependenciesReady'
  const before = conditionOf(realm, type)
  const { nats, livekit } = realm.spec
  const own = [...(nats.type === 'Managed' ? ['nats'] : []), ...(livekit.type === 'Managed' ? ['livekit'] : [])]
  const idle = own.filter((part) => !services.some(({ component, ready }) => component === part && ready > 0))
  if (idle.length > 0)
    return { type, status: 'False', reason: 'NotReady', message: `parts of the realm without a ready pod: ${idle.join(', ')}` }

  // One server of a NATS cluster is enough.
  const isLost = ({ what, state }: Reach) =>
    state === 'unreachable' && !reached.some((other) => other.what === what && other.state !== 'unreachable')
  const lost = reached.filter(isLost)
  if (lost.length > 0) {
    const told = lost.map((reach) => `${reach.what} at ${reach.url}: ${reach.state === 'unreachable' ? reach.message : ''}`)
    return { type, status: 'False', reason: 'Unreachable', message: `the operator cannot reach ${told.join('; ')}` }
  }
  const isUnsure = reached.some(
    ({ what, state }) => state === 'unknown' && !reached.some((other) => other.what === what && other.state === 'reached'),
  )
  // A new operator has not looked yet: what the last one saw of the same realm stands until it has.
  if (isUnsure && before?.reason === 'Unreachable' && before.observedGeneration === realm.metadata.generation)
    return { type, status: 'False', reason: 'Unreachable', message: before.message }
  return isUnsure && before?.status !== 'True'
    ? { type, status: 'Unknown', reason: 'NotChecked', message: 'the operator has not checked yet' }
    : { type, status: 'True', reason: 'Reachable', message: 'NATS and LiveKit are ready, or reachable from the operator' }
}
