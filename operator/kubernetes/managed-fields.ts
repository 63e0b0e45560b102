/**
 * The fields of one manager in `metadata.managedFields`: `f:name` a field, `k:{"name":"x"}` and `v:"x"` list items, `.` the
 * parent itself.
 */
interface FieldSet {
  [step: string]: FieldSet
}

interface ManagedFields {
  manager?: string
  operation?: string
  subresource?: string
  time?: string
  fieldsV1?: FieldSet
}

/**
 * The part of a live object that `manager` applied, with its current values. A field which another client changed belongs to that
 * client and is missing here; a field which is no longer desired is still here. So it differs from the manifest exactly when a
 * write is needed.
 */
export function managedPart(live: { metadata: object }, manager: string, subresource?: 'status'): Record<string, unknown> {
  const { managedFields = [] } = live.metadata as { managedFields?: ManagedFields[] }
  const entry = managedFields.find(
    (known) => known.manager === manager && known.operation === 'Apply' && known.subresource === subresource,
  )
  return entry?.fieldsV1 ? (pick(entry.fieldsV1, live) as Record<string, unknown>) : {}
}

/** Whether `manager` applied a part of a live object. */
export const isAppliedBy = ({ metadata }: { metadata: object }, manager: string): boolean =>
  (metadata as { managedFields?: ManagedFields[] }).managedFields?.some(
    (entry) => entry.manager === manager && entry.operation === 'Apply',
  ) ?? false

/** When `manager` last changed a live object by applying it, in milliseconds since the epoch. */
export function appliedAt({ metadata }: { metadata: object }, manager: string): number | undefined {
  const { managedFields = [] } = metadata as { managedFields?: ManagedFields[] }
  const entry = managedFields.find(
    (known) => known.manager === manager && known.operation === 'Apply' && known.subresource === undefined,
  )
  return entry?.time === undefined ? undefined : Date.parse(entry.time)
}

/** Whether a field is owned by other field managers only: the client that changed it last took it over from `manager`. */
export function isManagedByOthers(live: { metadata: object }, manager: string, path: readonly string[]): boolean {
  const { managedFields = [] } = live.metadata as { managedFields?: ManagedFields[] }
  const owners = managedFields.filter(({ fieldsV1 }) => fieldsV1 && includesField(fieldsV1, path))
  const isOurs = (entry: ManagedFields) =>
    entry.manager === manager && entry.operation === 'Apply' && entry.subresource === undefined
  return owners.length > 0 && !owners.some(isOurs)
}

function includesField(fields: FieldSet, path: readonly string[]): boolean {
  let here: FieldSet | undefined = fields
  for (const name of path) here = here?.[`f:${name}`]
  return here !== undefined
}

function pick(fields: FieldSet, value: unknown): unknown {
  const steps = Object.keys(fields).filter((step) => step !== '.')
  if (steps.length === 0) return '.' in fields ? emptyLike(value) : value
  if (Array.isArray(value)) return pickItems(fields, steps, value)
  if (typeof value !== 'object' || value === null) return value
  const source = value as Record<string, unknown>
  const picked: Record<string, unknown> = {}
  for (const step of steps) {
    const name = step.slice(2)
    if (name in source) picked[name] = pick(fields[step] ?? {}, source[name])
  }
  return picked
}

function pickItems(fields: FieldSet, steps: string[], items: unknown[]): unknown[] {
  const selectors = steps.map((step) => ({
    isKey: step.startsWith('k:'),
    selector: JSON.parse(step.slice(2)) as unknown,
    nested: fields[step] ?? {},
  }))
  return items.flatMap((item, index) => {
    const match = selectors.find(({ isKey, selector }) =>
      isKey ? hasAll(item, selector) : selector === item || selector === index,
    )
    return match ? [match.isKey ? pick(match.nested, item) : item] : []
  })
}

const hasAll = (item: unknown, selector: unknown): boolean =>
  Object.entries(selector as object).every(([name, value]) => (item as Record<string, unknown>)[name] === value)

const emptyLike = (value: unknown): unknown =>
  Array.isArray(value) ? [] : typeof value === 'object' && value !== null ? {} : value
