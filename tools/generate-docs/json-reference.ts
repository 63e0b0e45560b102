import { z } from 'zod'
import { jsonOutputs } from './json-outputs.ts'
import { code, tableOf } from './markdown.ts'

interface Schema {
  type?: string | string[]
  const?: string
  enum?: string[]
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
}

/** A field of an output. */
type Row = [path: string, type: string, meaning: string]

/** What each command prints with `-o json`, as tables of its fields. */
export const jsonReference = (): string =>
  [
    '## Output for programs',
    [
      'With `-o json` each command prints one document, and `top --watch` one on each line; `-o yaml` has the same fields, and `get -o name` has `realm/NAME` on',
      'each line. The exit code is that of the table for people. Fields may be added; none is renamed, removed or changes its meaning within a major version.',
      'A type with `?` may be absent. `get` prints [Realms](api.md) and `render` objects, as the API server takes them; what moderators read may have more fields',
      'of the [gatekeeper](../gatekeeper.md). The tables for people may change at any time.',
    ].join('\n'),
    ...Object.entries(jsonOutputs).flatMap(([words, schema]) => [
      `### ${words} -o json`,
      tableOf(
        ['field', 'type', 'meaning'],
        rowsOf(z.toJSONSchema(schema) as Schema, '').map(([path, ...rest]) => [code(path), ...rest]),
      ),
    ]),
  ].join('\n\n')

/** The fields below a schema. */
function rowsOf(schema: Schema, path: string): Row[] {
  const { properties, items, anyOf, required = [] } = schema
  if (anyOf) return anyOf.flatMap((each) => rowsOf(each, path))
  if (items) return rowsOf(items, `${path}[]`)
  return Object.entries(properties ?? {}).flatMap(([name, field]): Row[] => {
    const at = path === '' ? name : `${path}.${name}`
    const type = `${typeOf(field)}${required.includes(name) ? '' : '?'}`
    return [[at, type, meaningOf(field)], ...rowsOf(field, at)]
  })
}

/** A type that may be null has the meaning of the other one. */
const meaningOf = ({ description, anyOf = [] }: Schema): string =>
  description ?? anyOf.find((each) => each.description !== undefined)?.description ?? ''

function typeOf({ type, const: only, enum: values, anyOf, items }: Schema): string {
  if (only !== undefined) return code(only)
  if (values) return values.map(code).join(', ')
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(' or ')
  if (items) return `list of ${typeOf(items)}`
  return [type].flat().join(' or ')
}
