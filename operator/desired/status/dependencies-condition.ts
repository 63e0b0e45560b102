import { conditionOf, type Realm, type RealmReasons } from '../../../crds/realm.ts'
import { hasManagedNats, isGuest } from '../../../crds/world.ts'
import type { Reachability } from '../../observed/reachability.ts'
import type { ObservedWebhooks } from '../../observed/webhooks.ts'
import type { ObservedRealm } from '../../observed/workload.ts'
import { type LivekitMedia, mediaProblem } from '../livekit-media.ts'
import type { ConditionDraft } from './conditions.ts'

export interface ObservedDependencies {
  reachability: readonly Reachability[]
  /** Whether LiveKit sends webhooks, and where it should. */
  webhooks?: { state: ObservedWebhooks | undefined; url: string }
  /** How players reach the media of a Managed LiveKit. */
  media?: LivekitMedia
}

const GUEST = 'a world has no NATS, and this one uses the LiveKit of the Realm that spec.world.gatekeeperOf names'

/**
 * Whether the NATS and the LiveKit of a realm are there: Managed ones are ready, External ones were reached, and LiveKit tells the
 * gatekeeper what happens in its rooms. It is reported, and changes nothing the operator does: players may reach what the operator cannot.
 */
export function dependenciesCondition(
  realm: Realm,
  { services }: ObservedRealm,
  { reachability, webhooks, media }: ObservedDependencies,
): ConditionDraft<RealmReasons> {
  const type = 'DependenciesReady'
  const before = conditionOf(realm, type)
  const { livekit } = realm.spec
  const managed = [...(hasManagedNats(realm) ? ['nats'] : []), ...(livekit.type === 'Managed' ? ['livekit'] : [])]
  const waiting = media && mediaProblem(realm, media)
  if (waiting) return { type, status: 'False', reason: 'MediaAddressMissing', message: waiting }
  const notReady = managed.filter((part) => !services.some(({ component, ready }) => component === part && ready > 0))
  if (notReady.length > 0)
    return {
      type,
      status: 'False',
      reason: 'NotReady',
      message: `parts of the realm without a ready pod: ${notReady.join(', ')}`,
    }

  // One server of a NATS cluster is enough.
  const othersOf = (one: Reachability) => reachability.filter((other) => other !== one && other.dependency === one.dependency)
  const failures = reachability.flatMap((one) =>
    one.state === 'unreachable' && othersOf(one).every(({ state }) => state === 'unreachable')
      ? [`${one.dependency} at ${one.url.replace(/\/\/[^/@]*@/, '//')}`]
      : [],
  )
  if (failures.length > 0)
    return { type, status: 'False', reason: 'Unreachable', message: `the operator cannot reach ${failures.join('; ')}` }
  const isLost = webhooks?.state === 'missing'
  // An operator that just started has not asked yet.
  const wasLost = before?.reason === 'WebhooksMissing' && before.observedGeneration === realm.metadata.generation
  if (webhooks && (isLost || (webhooks.state === 'unknown' && wasLost)))
    return { type, status: 'False', reason: 'WebhooksMissing', message: webhooksMissing(webhooks.url) }
  const isUnchecked = reachability.some(
    (one) => one.state === 'unknown' && !othersOf(one).some(({ state }) => state === 'reachable'),
  )
  // An operator that just started has not checked yet: what the last one found out about the same spec stands until it has.
  if (isUnchecked && before?.reason === 'Unreachable' && before.observedGeneration === realm.metadata.generation)
    return { type, status: 'False', reason: 'Unreachable', message: before.message }
  return isUnchecked && before?.status !== 'True'
    ? { type, status: 'Unknown', reason: 'NotChecked', message: 'the operator has not checked yet' }
    : {
        type,
        status: 'True',
        reason: 'Reachable',
        message: isGuest(realm) ? GUEST : 'NATS and LiveKit are ready, or reachable from the operator',
      }
}

const webhooksMissing = (url: string): string =>
  `LiveKit sends no webhooks to the gatekeeper although players are in its rooms, so that bans and voice chats follow late: add ${url} to webhook.urls of LiveKit`
