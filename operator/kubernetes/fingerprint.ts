import { hash } from 'node:crypto'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { MANAGER } from '../desired/naming.ts'
import { managedPart } from './managed-fields.ts'

/** Maps whose values are quantities. The API server stores them in its own spelling: `1000m` becomes `1`. */
const QUANTITY_MAPS = new Set(['requests', 'limits'])

/**
 * The same text for values of the same meaning: keys sorted, absent values left out, quantities as plain numbers. The order of a
 * list counts.
 */
export function canonicalText(value: unknown, key = ''): string {
  // The length in front of a string makes it unambiguous without escaping, and hashing is most of the work of a pass.
  if (typeof value === 'string') return `${value.length}"${value}`
  if (typeof value !== 'object' || value === null) return String(value ?? null)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${canonicalText(item)},`
    return `[${text}]`
  }
  const fields = value as Record<string, unknown>
  const areQuantities = QUANTITY_MAPS.has(key)
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name]
    if (field === undefined || field === null) continue
    text += `${name.length}"${name}:${canonicalText(areQuantities ? quantityOf(field) : field, name)},`
  }
  return `{${text}}`
}

/** A hash that is equal for values whose `canonicalText` is equal. */
export const canonicalHash = (value: unknown): string => hash('sha1', canonicalText(value), 'base64')

/**
 * The hash of everything the operator writes of an object except its name: of a manifest, or of the managed part of a live
 * object.
 */
export const fingerprintOf = (object: object): string => {
  const { apiVersion: _, kind: __, metadata, status: ___, ...rest } = object as Record<string, unknown>
  const { labels, annotations, ownerReferences } = (metadata ?? {}) as Record<string, unknown>
  return canonicalHash({ metadata: { labels, annotations, ownerReferences }, ...rest })
}

/**
 * The fingerprint of the fields of a live object that the operator applied, with the values they have now. It equals the
 * fingerprint of the manifest unless another client changed such a field, or the API server stored a value in its own spelling.
 */
export const liveFingerprint = (live: KubeObject): string => fingerprintOf(managedPart(live, MANAGER))

/** The same for the status that the operator applied. */
export const liveStatusFingerprint = (live: KubeObject): string => canonicalHash(managedPart(live, MANAGER, 'status').status)

const DIVISORS: Record<string, number> = { n: 1e9, u: 1e6, m: 1e3 }
const FACTORS: Record<string, number> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** A Kubernetes quantity as a number; any other value is returned unchanged. */
export function quantityOf(value: unknown): unknown {
  const match =
    typeof value === 'string' && /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(value)
  if (!match) return value
  const [, digits, suffix = ''] = match
  // Divided rather than multiplied by 0.001, so that 1100m is exactly 1.1.
  const number = (Number(digits) * (FACTORS[suffix] ?? 1)) / (DIVISORS[suffix] ?? 1)
  return Number.isFinite(number) ? number : value
}
