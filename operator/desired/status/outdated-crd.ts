import type { Condition } from '../../../crds/realm.ts'
import type { Kind } from '../../../crds/resources.ts'
import { conditionsOf } from './conditions.ts'

/** The fields that every object of a kind has, because the CRD requires them or gives them a default: parents before what is below them. */
const REQUIRED: Readonly<Record<Kind, readonly string[]>> = {
  Realm:
    `mode version cells cells.replicas cells.max cells.assignment cells.template cells.template.topology cells.template.connectors
    cells.template.connectors.replicas cells.template.connectors.drainSeconds cells.template.archipelago
    cells.template.archipelago.joinDistance cells.template.archipelago.leaveDistance cells.template.archipelago.islandSize
    cells.template.archipelago.flushPeriodMilliseconds gatekeeper gatekeeper.replicas gatekeeper.database gatekeeper.database.type
    nats nats.type livekit livekit.type movement movement.type content content.catalysts content.networkId content.scenesUrn
    content.globalScenesUrn content.map content.map.minimapEnabled content.map.sizes exposure exposure.type networkPolicy networkPolicy.type
    publication publication.providers rollout rollout.paused rollout.joinProbe rollout.minJoinRate
    rollout.progressDeadlineSeconds`.split(/\s+/),
  CommsCell: `realmRef realmRef.name slot url topology version connectors connectors.replicas connectors.drainSeconds archipelago
    archipelago.joinDistance archipelago.leaveDistance archipelago.islandSize archipelago.flushPeriodMilliseconds`.split(/\s+/),
}

const FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values(REQUIRED).flatMap((paths) => paths.map((path) => [path, path.split('.')])),
)

function valueAt(value: unknown, path: string): unknown {
  let inside = value as Record<string, unknown> | undefined
  for (const field of FIELDS.get(path) ?? []) inside = inside?.[field] as Record<string, unknown> | undefined
  return inside
}

/** The fields that an object lacks, without what is below them: the API server has a CRD without them. */
export function missingFields(kind: Kind, { spec }: { spec?: object }): string[] {
  const missing = REQUIRED[kind].filter((path) => valueAt(spec, path) === undefined)
  return missing.filter((path) => !missing.includes(path.replace(/\.?[^.]*$/, ''))).map((path) => `spec.${path}`)
}

/** What is wrong with the installed CRD of a kind, and the remedy; `meanwhile` says what the operator does until then. */
export const outdatedCrdMessage = (kind: Kind, fields: readonly string[], meanwhile: string): string =>
  `the CRD ${CRD_NAMES[kind]} is older than this operator or was changed: it does not know ${fields.join(', ')}; ` +
  `apply the CRDs of the release of the operator. Until then ${meanwhile}`

const CRD_NAMES: Record<Kind, string> = {
  Realm: 'realms.comms.decentraland.org',
  CommsCell: 'commscells.comms.decentraland.org',
}

/** A Realm or a CommsCell, as far as its conditions depend on it. */
interface ConditionedObject {
  metadata: { generation?: number }
  status?: { conditions?: Condition[] }
}

/** The status of a realm or a cell that cannot be planned; what runs stays as it is, and so does what the status says about it. */
export function outdatedCrdStatus<Status extends { conditions?: Condition[] }>(
  kind: Kind,
  object: { metadata: { generation?: number }; status?: Status },
  missing: readonly string[],
  now: number,
): Status {
  const message = outdatedCrdMessage(kind, missing, 'the operator leaves what runs as it is')
  const before = object.status?.conditions ?? []
  const ready = before.some(({ type }) => type === 'Ready')
    ? []
    : [{ type: 'Ready', status: 'False', reason: 'ApplyFailed', message } as const]
  return {
    ...object.status,
    ...(object.metadata.generation !== undefined && { observedGeneration: object.metadata.generation }),
    conditions: stalledBy(kind, object, [...conditionsOf(object, ready, now), ...before], message, now),
  } as Status
}

/** The other conditions of an object with those that say that its CRD is outdated. */
function stalledBy(
  kind: Kind,
  object: ConditionedObject,
  conditions: readonly Condition[],
  message: string,
  now: number,
): Condition[] {
  const stalled = [
    ...(kind === 'Realm' ? [{ type: 'Progressing', status: 'False', reason: 'Stalled', message: SEE_STALLED } as const] : []),
    { type: 'Reconciling', status: 'False', reason: 'Stalled', message: SEE_STALLED } as const,
    { type: 'Stalled', status: 'True', reason: 'CrdOutdated', message } as const,
  ]
  const kept = conditions.filter(({ type }) => !stalled.some((draft) => draft.type === type))
  return [...kept, ...conditionsOf(object, stalled, now)]
}

/**
 * A status without those of the fields that it has, with the condition that says that the installed CRD does not know them. Another reason for
 * which the object is stalled stays in front of this one.
 *
 * @param fields as in `status.endpoints.state`, whatever the list items in between
 */
export function statusWithoutFields<Status extends { conditions?: Condition[] }>(
  kind: Kind,
  object: ConditionedObject,
  status: Status,
  fields: readonly string[],
  now: number,
): Status {
  const unknown = fields.filter((path) => isIn({ status }, path.split('.'))).sort()
  if (unknown.length === 0) return status
  const { conditions = [], ...rest } = unknown.reduce((kept, path) => without(kept, path.split('.')), { status }).status
  const message = outdatedCrdMessage(kind, unknown, 'the operator writes the status without')
  const stalled = conditions.find((condition) => condition.type === 'Stalled' && condition.status === 'True')
  const reported = stalled
    ? conditions.map((each) => (each === stalled ? { ...stalled, message: `${stalled.message}; ${message}` } : each))
    : stalledBy(kind, object, conditions, message, now)
  return { ...rest, conditions: reported } as unknown as Status
}

function isIn(value: unknown, [field = '', ...below]: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((item) => isIn(item, [field, ...below]))
  if (typeof value !== 'object' || value === null) return false
  const inside = (value as Record<string, unknown>)[field]
  return inside !== undefined && (below.length === 0 || isIn(inside, below))
}

function without<Value>(value: Value, [field = '', ...below]: readonly string[]): Value {
  if (Array.isArray(value)) return value.map((item) => without(item, [field, ...below])) as Value
  if (typeof value !== 'object' || value === null) return value
  const { [field]: inside, ...others } = value as Record<string, unknown>
  return (below.length === 0 || inside === undefined ? others : { ...others, [field]: without(inside, below) }) as Value
}

const SEE_STALLED = 'the operator cannot go on; see the condition Stalled'
