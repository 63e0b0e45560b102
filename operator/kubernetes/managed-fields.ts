/** The fields of one manager, as `metadata.managedFields` lists them: `f:name`, `k:{"name":"x"}`, `v:"x"`, `.` for the thing itself. */
interface FieldSet {
  [step: string]: FieldSet
}

interface ManagedFields {
  manager?: string
  operation?: string
  subresource?: string
  fieldsV1?: FieldSet
}

/**
 * The part of a live object that `manager` applied, with the values it has now. A field somebody else changed is no longer ours and
 * so is missing; a field we stopped wanting is still there. Either way it differs from what we want, and only then.
 */
export function managedPart(live: { metadata: object }, manager: string, subresource?: 'status'): Record<string, unknown> {
  const { managedFields = [] } = live.metadata as { managedFields?: ManagedFields[] }
  const entry = managedFields.find(
    (known) => known.manager === manager && known.operation === 'Apply' && known.subresource === subresource,
  )
  return entry?.fieldsV1 ? (pick(entry.fieldsV1, live) as Record<string, unknown>) : {}
}

/** Whether a field is somebody else's to set and not `manager`'s: whoever changed it last took it over. */
export function isManagedByOthers(live: { metadata: object }, manager: string, path: readonly string[]): boolean {
  const { managedFields = [] } = live.metadata as { managedFields?: ManagedFields[] }
  const holders = managedFields.filter(({ fieldsV1 }) => fieldsV1 && includesField(fieldsV1, path))
  const isOurs = (entry: ManagedFields) =>
    entry.manager === manager && entry.operation === 'Apply' && entry.subresource === undefined
  return holders.length > 0 && !holders.some(isOurs)
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
  const given = value as Record<string, unknown>
  const picked: Record<string, unknown> = {}
  for (const step of steps) {
    const name = step.slice(2)
    if (name in given) picked[name] = pick(fields[step] ?? {}, given[name])
  }
  return picked
}

function pickItems(fields: FieldSet, steps: string[], items: unknown[]): unknown[] {
  const known = steps.map((step) => ({
    isKey: step.startsWith('k:'),
    wanted: JSON.parse(step.slice(2)) as unknown,
    inside: fields[step] ?? {},
  }))
  return items.flatMap((item, index) => {
    const match = known.find(({ isKey, wanted }) => (isKey ? hasAll(item, wanted) : wanted === item || wanted === index))
    return match ? [match.isKey ? pick(match.inside, item) : item] : []
  })
}

const hasAll = (item: unknown, wanted: unknown): boolean =>
  Object.entries(wanted as object).every(([name, value]) => (item as Record<string, unknown>)[name] === value)

const emptyLike = (value: unknown): unknown =>
  Array.isArray(value) ? [] : typeof value === 'object' && value !== null ? {} : value
