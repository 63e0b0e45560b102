import { type ParseResult, parse } from '@marcbachmann/cel-js'
import type { Problem } from './problem.ts'
import type { Schema } from './schema.ts'

const compiled = new Map<string, ParseResult>()

/** The CEL rules (`x-kubernetes-validations`) that an object breaks. Rules with `oldSelf` are checked only when there is a previous object. */
export function brokenRules(schema: Schema, value: unknown, previous?: unknown): Problem[] {
  const problems: Problem[] = []
  walk(schema, value, previous, [], problems)
  return problems
}

function walk(schema: Schema, value: unknown, previous: unknown, path: (string | number)[], problems: Problem[]): void {
  if (value === undefined || value === null) return
  for (const { rule, message, fieldPath = '' } of schema['x-kubernetes-validations'] ?? []) {
    const transition = /\boldSelf\b/.test(rule)
    if (transition && previous === undefined) continue
    if (!holds(rule, { self: celValue(schema, value), ...(transition && { oldSelf: celValue(schema, previous) }) })) {
      problems.push({ path: [...path, ...fieldPath.split('.').filter(Boolean)], message })
    }
  }
  if (schema.properties) {
    const fields = value as Record<string, unknown>
    const before = previous as Record<string, unknown> | undefined
    for (const [name, property] of Object.entries(schema.properties))
      walk(property, fields[name], before?.[name], [...path, name], problems)
  }
  if (schema.items && Array.isArray(value)) {
    // Items of a plain list have no identity, so rules with `oldSelf` below them have no previous value.
    for (const [i, item] of value.entries()) walk(schema.items, item, undefined, [...path, i], problems)
  }
}

function holds(rule: string, context: Record<string, unknown>): boolean {
  const expression = compiled.get(rule) ?? parse(rule)
  compiled.set(rule, expression)
  return expression(context) === true
}

/** A JSON value as CEL sees it by its schema: a field of type integer is an integer, not a double. */
function celValue(schema: Schema, value: unknown): unknown {
  if (schema.type === 'integer' && typeof value === 'number') return BigInt(value)
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      celValue(schema.properties?.[name] ?? schema.additionalProperties ?? {}, field),
    ]),
  )
}
