import { isDeepStrictEqual } from 'node:util'
import type { KubeMeta, KubeObject } from '../../cells/kube/kube-object.ts'

type Fields = { [step: string]: Fields }
interface Managed {
  manager: string
  operation: 'Apply'
  subresource?: 'status'
  fieldsV1: Fields
}
/** An object with its managed fields. */
export interface StoredObject extends Omit<KubeObject, 'metadata'> {
  metadata: KubeMeta & { managedFields?: Managed[] }
  spec?: unknown
  status?: unknown
}

/**
 * An object with an applied body, without what this manager applied before and no longer does; undefined when nothing changes. A new object
 * always changes.
 */
export function applied(
  before: StoredObject,
  body: Record<string, unknown>,
  entry: Omit<Managed, 'fieldsV1'>,
  isNew: boolean,
): StoredObject | undefined {
  const fieldsV1 = fieldsOf(body)
  const entries = before.metadata.managedFields ?? []
  const isOwn = (each: Managed) => each.manager === entry.manager && each.subresource === entry.subresource
  const next = structuredClone(before)
  const previous = entries.find(isOwn)
  if (previous) withdraw(next as unknown as Record<string, unknown>, previous.fieldsV1, fieldsV1)
  merge(next as unknown as Record<string, unknown>, body)
  if (!isNew && isDeepStrictEqual(next, before)) return undefined
  next.metadata.managedFields = [...entries.filter((each) => !isOwn(each)), { ...entry, fieldsV1 }]
  return next
}

/** The fields of an object that its manager applies: no status, and of the metadata those that clients set. */
export function appliedPart({ apiVersion: _, kind: __, metadata, status: ___, ...rest }: StoredObject): Record<string, unknown> {
  const { labels, annotations, ownerReferences, finalizers } = metadata
  const given = { labels, annotations, ownerReferences, finalizers }
  return { metadata: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), ...rest }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fieldsOf(value: Record<string, unknown>): Fields {
  const fields: Fields = {}
  for (const [name, inside] of Object.entries(value))
    if (inside !== undefined) fields[`f:${name}`] = isMap(inside) ? { '.': {}, ...fieldsOf(inside) } : {}
  return fields
}

/** Removes the fields that were applied before and are not any more. */
function withdraw(target: Record<string, unknown>, before: Fields, after: Fields): void {
  for (const [step, inside] of Object.entries(before)) {
    if (step === '.') continue
    const name = step.slice(2)
    const next = after[step]
    if (!next) delete target[name]
    else if (isMap(target[name])) withdraw(target[name], inside, next)
  }
}

function merge(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue
    if (isMap(value)) {
      if (!isMap(target[name])) target[name] = {}
      merge(target[name] as Record<string, unknown>, value)
    } else target[name] = structuredClone(value)
  }
}
