import type { Schema } from '../../crds/schema.ts'
import { code } from './markdown.ts'

/** The parts of OpenAPI and JSON Schema that bound a value. */
export interface Bounds {
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
  format?: string
}

/** The type of a field, for people. */
export function typeText(schema: Schema & Bounds): string {
  if (schema['x-kubernetes-int-or-string']) return 'quantity'
  if (schema.enum) return schema.enum.map((value) => code(value)).join(', ')
  if (schema.type === 'array') return `list of ${plural(typeText(schema.items ?? {}))}`
  if (schema.type === 'object' && schema.additionalProperties) return `map to ${plural(typeText(schema.additionalProperties))}`
  if (schema.format === 'date-time') return 'time'
  return schema.type ?? 'any'
}

const plural = (type: string): string =>
  type === 'quantity' ? 'quantities' : /^(object|string|integer|number|boolean)$/.test(type) ? `${type}s` : type

/** What values a field takes beyond its type. */
export function boundsOf(schema: Schema & Bounds, isRequired: boolean): string {
  const items = (schema.items ?? schema.additionalProperties ?? {}) as Schema & Bounds
  const pattern = items['x-kubernetes-int-or-string'] ? undefined : (schema.pattern ?? items.pattern)
  return [
    isRequired ? 'required' : '',
    rangeText(schema.minimum, schema.maximum, ''),
    rangeText(schema.minLength, schema.maxLength, ' characters'),
    rangeText(schema.minItems, schema.maxItems, ' items'),
    pattern ? `matches ${code(pattern)}` : '',
  ]
    .filter(Boolean)
    .join('; ')
}

/** A range of numbers; nothing where neither end is given. */
export function rangeText(from: number | undefined, to: number | undefined, unit: string): string {
  if (to === undefined || to >= Number.MAX_SAFE_INTEGER) return from === undefined ? '' : `from ${from}${unit}`
  return from === undefined ? `at most ${to}${unit}` : `${from} to ${to}${unit}`
}
