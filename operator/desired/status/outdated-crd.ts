import type { Condition, Realm, RealmReasons, RealmStatus } from '../../../crds/realm.ts'
import { type ConditionDraft, conditionsOf } from './conditions.ts'

/** The fields that every Realm has, because the CRD requires them or gives them a default: parents before what is below them. */
const REQUIRED: readonly string[] =
  `version cells cells.replicas cells.max cells.assignment cells.template cells.template.connectors
  cells.template.connectors.replicas cells.template.connectors.drainSeconds cells.template.archipelago
  cells.template.archipelago.joinDistance cells.template.archipelago.leaveDistance cells.template.archipelago.islandSize
  cells.template.archipelago.flushPeriodMilliseconds gatekeeper gatekeeper.replicas gatekeeper.database gatekeeper.database.type
  nats nats.type livekit livekit.type movement movement.type content content.catalysts content.networkId content.scenesUrn content.globalScenesUrn
  content.map content.map.minimapEnabled content.map.sizes exposure exposure.type networkPolicy networkPolicy.type
  publication publication.providers rollout rollout.paused rollout.joinProbe rollout.minJoinRate
  rollout.progressDeadlineSeconds`.split(/\s+/)

const FIELDS: ReadonlyMap<string, readonly string[]> = new Map(REQUIRED.map((path) => [path, path.split('.')]))

function valueAt(value: unknown, path: string): unknown {
  let inside = value as Record<string, unknown> | undefined
  for (const field of FIELDS.get(path) ?? []) inside = inside?.[field] as Record<string, unknown> | undefined
  return inside
}

/** The fields that a realm lacks, without what is below them: the API server has a CRD without them. */
export function missingFields({ spec }: { spec?: object }): string[] {
  const missing = REQUIRED.filter((path) => valueAt(spec, path) === undefined)
  return missing.filter((path) => !missing.includes(path.replace(/\.?[^.]*$/, ''))).map((path) => `spec.${path}`)
}

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
