import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest } from '../../../crds/world.ts'
import { addressTakenMessage } from './address-taken.ts'
import type { ConditionDraft } from './conditions.ts'
import { pendingAddress, type RealmView } from './realm-view.ts'

const CLOSED = 'the world is closed: cells.replicas is 0'

/** `Ready` of a realm in mode World: its gatekeeper, or that of the Realm it names, runs and serves it. */
export function worldReadyCondition(view: RealmView): ConditionDraft<RealmReasons> {
  const { realm, plan, observed, serving, notReady, failure } = view
  const no = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  const yes = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  if (failure && failure.reason !== 'Retrying') return no('ApplyFailed', failure.message)
  if (plan.scale.cells === 0) return yes('Hibernated', CLOSED)
  if (plan.hostProblem) return no('HostNotUsable', plan.hostProblem)
  if (observed.addressTakenBy) return no('AddressTaken', addressTakenMessage(realm, observed.addressTakenBy))
  const pending = pendingAddress(view)
  if (pending) return no('AddressPending', pending)
  if (failure && serving === 0) return no('ApplyFailed', failure.message)
  if (notReady.length > 0) return no('ServicesNotReady', `services without a ready pod: ${notReady.join(', ')}`)
  if (serving === 0) return no('ServicesNotReady', notServedMessage(realm))
  return yes('AllServing', `${gatekeeperOf(realm)} serves the world`)
}

/** `AcceptingPlayers` of a realm in mode World. */
export function worldAcceptingCondition({ plan, open }: RealmView): ConditionDraft<RealmReasons> {
  const type = 'AcceptingPlayers'
  if (open.length > 0)
    return { type, status: 'True', reason: 'WorldServed', message: 'players can enter, as far as spec.world.access lets them' }
  return plan.scale.cells === 0
    ? { type, status: 'False', reason: 'Hibernated', message: CLOSED }
    : { type, status: 'False', reason: 'WorldNotServed', message: 'no gatekeeper serves the world; see the condition Ready' }
}

/** Why no gatekeeper serves the world yet. */
export const notServedMessage = (realm: Realm): string =>
  realm.spec.gatekeeper.replicas === 0 && !isGuest(realm)
    ? 'a world needs a gatekeeper: gatekeeper.replicas is 0'
    : `${gatekeeperOf(realm)} does not serve the world yet, or the operator cannot reach it`

const gatekeeperOf = (realm: Realm): string =>
  isGuest(realm) ? `the gatekeeper of the Realm ${gatekeeperRealmOf(realm)}` : 'its gatekeeper'
