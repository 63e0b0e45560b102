import { isIP } from 'node:net'
import { Ajv, type ErrorObject } from 'ajv'
import { closest, distance } from 'fastest-levenshtein'
import type { Problem } from './problem.ts'
import { brokenRules } from './rules.ts'
import { type Crd, type Schema, schemaOf } from './schema.ts'

// Of the formats in the CRDs, the API server checks these.
const formats = {
  cidr: (text: string) => {
    const [address = '', bits = ''] = text.split(/\/(.*)/s)
    return /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= ({ 4: 32, 6: 128 }[isIP(address)] ?? -1)
  },
  'date-time': true,
  ipv4: (text: string) => isIP(text) === 4,
  ipv6: (text: string) => isIP(text) === 6,
  int32: true,
  int64: true,
} as const

/** A DNS label, as the API server demands of names of namespaces. */
const NAMESPACE = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'

/** An object as the API server would store it, or all its problems. */
export type Validated<T> = { ok: true; object: T } | { ok: false; problems: Problem[] }

/**
 * Judges objects of one CRD as the API server does: defaults, structure, bounds and CEL rules from the same schema, and as
 * strictly as kubectl does, which refuses fields it does not know. For places without an API server.
 */
export function createValidator<T>(crd: Crd): (object: unknown, previous?: T) => Validated<T> {
  const schema = schemaOf(crd)
  // Our own schema, which the API server has judged, is not judged again, and the validator that is made of it runs once or twice: to
  // optimize it takes longer than to run it.
  const ours = { validateSchema: false, meta: false, code: { optimize: false } }
  const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, strict: false, formats, ...ours })
  const structure = ajv.compile(strict(withMetadata(schema)))

  return (given, previous) => {
    const object = structuredClone(given)
    if (!structure(object)) return { ok: false, problems: problemsOf(structure.errors ?? [], schema) }
    const problems = brokenRules(schema, object, previous)
    return problems.length === 0 ? { ok: true, object: object as T } : { ok: false, problems }
  }
}

// The schema of metadata is built into the API server; a CRD only declares the field.
const withMetadata = (schema: Schema): Schema => ({
  ...schema,
  required: [...(schema.required ?? []), 'metadata'],
  properties: {
    ...schema.properties,
    metadata: {
      type: 'object',
      required: ['name'],
      additionalProperties: {},
      properties: { name: { type: 'string' }, namespace: { type: 'string', pattern: NAMESPACE } },
    },
  },
})

/** The same schema, but it refuses unknown fields at every level. */
function strict(schema: Schema): object {
  const { properties, items, additionalProperties, ...rest } = schema
  return {
    ...rest,
    ...(items && { items: strict(items) }),
    ...(schema['x-kubernetes-list-type'] === 'set' && { uniqueItems: true }),
    ...(additionalProperties && { additionalProperties: strict(additionalProperties) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, strict(property)])),
      ...(!additionalProperties && { additionalProperties: false }),
    }),
  }
}

function problemsOf(errors: readonly ErrorObject[], schema: Schema): Problem[] {
  // A failed anyOf reports each branch and then itself; the last report is enough.
  return errors.filter(({ schemaPath }) => !/\/anyOf\/\d+\//.test(schemaPath)).map((error) => problemOf(error, schema))
}

function problemOf(error: ErrorObject, schema: Schema): Problem {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  switch (error.keyword) {
    case 'additionalProperties': {
      const unknown = String(error.params.additionalProperty)
      return { path: [...path, unknown], message: `unknown field${suggestion(unknown, fieldsAt(schema, path))}` }
    }
    case 'required':
      return { path: [...path, String(error.params.missingProperty)], message: 'is required' }
    case 'enum': {
      const allowed = (error.params.allowedValues as unknown[]).map(String)
      return {
        path,
        message: `must be one of ${allowed.join(', ')}, not ${shown(error.data)}${typeof error.data === 'string' ? didYouMean(error.data, allowed) : ''}`,
      }
    }
    case 'type':
      return { path, message: `must be ${article(String(error.params.type))}, not ${shown(error.data)}` }
    case 'uniqueItems':
      return { path, message: `has a duplicate: ${shown((error.data as unknown[])[Number(error.params.i)])}` }
    case 'anyOf':
      return { path, message: `must be a number or a quantity such as 500m or 1Gi, not ${shown(error.data)}` }
    default:
      return { path, message: `${error.message ?? error.keyword}, not ${shown(error.data)}` }
  }
}

function fieldsAt(schema: Schema, path: readonly (string | number)[]): string[] {
  let here: Schema | undefined = schema
  for (const part of path) here = typeof part === 'number' ? here?.items : here?.properties?.[part]
  return Object.keys(here?.properties ?? {})
}

const suggestion = (given: string, known: readonly string[]): string =>
  didYouMean(given, known) || (known.length > 0 && known.length <= 12 ? `; known here: ${known.join(', ')}` : '')

function didYouMean(given: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const nearest = closest(
    given.toLowerCase(),
    known.map((name) => name.toLowerCase()),
  )
  const match = known.find((name) => name.toLowerCase() === nearest)
  const isNear = match !== undefined && distance(given.toLowerCase(), nearest) <= Math.max(2, given.length / 3)
  return isNear ? `; did you mean ${match}?` : ''
}

const article = (type: string): string => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`)

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
