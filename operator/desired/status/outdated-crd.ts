import type { Condition, Realm, RealmReasons, RealmStatus } from '../../../crds/realm.ts'
import { type ConditionDraft, conditionsOf } from './conditions.ts'

type RequiredField<T> = { [Field in keyof T]-?: undefined extends T[Field] ? never : Field }[keyof T]

/** The fields that every Realm has, because the CRD requires them or gives them a default. */
const REQUIRED: Record<RequiredField<Realm['spec']>, true> = {
  version: true,
  cells: true,
  gatekeeper: true,
  nats: true,
  livekit: true,
  content: true,
  exposure: true,
  networkPolicy: true,
  publication: true,
  rollout: true,
}

/** The fields that a realm lacks: the API server has a CRD without them. */
export const missingFields = ({ spec }: { spec?: object }): string[] =>
  Object.keys(REQUIRED).flatMap((field) => (spec && field in spec ? [] : [`spec.${field}`]))

/** The status of a realm that cannot be planned; what runs stays as it is, and so does what the status says about it. */
export function outdatedCrdStatus(realm: Realm, missing: readonly string[], now: number): RealmStatus {
  const message =
    `the CRD realms.comms.decentraland.org is older than this operator or was changed: the realm has no ${missing.join(', ')}; ` +
    'apply the CRDs of the release of the operator. Until then the operator leaves what runs as it is'
  const stalled: ConditionDraft<RealmReasons>[] = [
    { type: 'Progressing', status: 'False', reason: 'Stalled', message: SEE_STALLED },
    { type: 'Reconciling', status: 'False', reason: 'Stalled', message: SEE_STALLED },
    { type: 'Stalled', status: 'True', reason: 'CrdOutdated', message },
  ]
  const before: readonly Condition[] = realm.status?.conditions ?? []
  const kept = before.filter(({ type }) => !stalled.some((draft) => draft.type === type))
  const ready: ConditionDraft<RealmReasons>[] = kept.some(({ type }) => type === 'Ready')
    ? []
    : [{ type: 'Ready', status: 'False', reason: 'ApplyFailed', message }]
  return {
    ...realm.status,
    ...(realm.metadata.generation !== undefined && { observedGeneration: realm.metadata.generation }),
    conditions: [...conditionsOf(realm, ready, now), ...kept, ...conditionsOf(realm, stalled, now)] as NonNullable<
      RealmStatus['conditions']
    >,
  }
}

const SEE_STALLED = 'the operator cannot go on; see the condition Stalled'
