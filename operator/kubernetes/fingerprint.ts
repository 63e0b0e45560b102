import { hash } from 'node:crypto'

/** Maps whose values are quantities: the API server spells them its own way, `1000m` becomes `1`. */
const QUANTITY_MAPS = new Set(['requests', 'limits'])

/** One text per meaning: keys in order, nothing where there is nothing, quantities as plain numbers. Order of lists counts. */
export function canonicalText(value: unknown, key = ''): string {
  // Strings are led by their length: that is unambiguous without escaping, and hashing is most of what a pass does.
  if (typeof value === 'string') return `${value.length}"${value}`
  if (typeof value !== 'object' || value === null) return String(value ?? null)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${canonicalText(item)},`
    return `[${text}]`
  }
  const given = value as Record<string, unknown>
  const areQuantities = QUANTITY_MAPS.has(key)
  for (const name of Object.keys(given).sort()) {
    const inside = given[name]
    if (inside === undefined || inside === null) continue
    text += `${name.length}"${name}:${canonicalText(areQuantities ? quantityOf(inside) : inside, name)},`
  }
  return `{${text}}`
}

/** A short name for a meaning: equal for what `canonical` finds equal. */
export const canonicalHash = (value: unknown): string => hash('sha1', canonicalText(value), 'base64')

/** What identifies the wish behind an object: everything we would write of it but its name. */
export const fingerprintOf = (object: object): string => {
  const { apiVersion: _, kind: __, metadata, status: ___, ...rest } = object as Record<string, unknown>
  const { labels, annotations, ownerReferences } = (metadata ?? {}) as Record<string, unknown>
  return canonicalHash({ metadata: { labels, annotations, ownerReferences }, ...rest })
}

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

/** A Kubernetes quantity as a number; what is none stays what it is. */
export function quantityOf(value: unknown): unknown {
  const match =
    typeof value === 'string' && /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(value)
  if (!match) return value
  const [, digits, suffix = ''] = match
  // Divided rather than multiplied by 0.001: only so is 1100m exactly 1.1.
  const number = (Number(digits) * (FACTORS[suffix] ?? 1)) / (DIVISORS[suffix] ?? 1)
  return Number.isFinite(number) ? number : value
}
