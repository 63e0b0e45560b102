import { type Crd, type Schema, schemaOf } from '../../crds/schema.ts'

/**
 * Writes the TypeScript shape of our CRDs as the API server returns them: fields with a default are always there.
 * `npm run generate` keeps the result, and a test compares it.
 */
export function typescriptOf(crds: readonly Crd[]): string {
  const blocks = crds.map((crd) => {
    const { kind } = crd.spec.names
    const schema = schemaOf(crd)
    const { spec, status } = schema.properties ?? {}
    if (!spec || !status) throw new Error(`${kind} needs spec and status`)
    return [
      doc(schema.description, ''),
      `export interface ${kind} {`,
      `  apiVersion: '${crd.spec.group}/${crd.spec.versions[0]?.name}'`,
      `  kind: '${kind}'`,
      `  metadata: ObjectMeta`,
      `  spec: ${kind}Spec`,
      `  status?: ${kind}Status`,
      `}`,
      '',
      `${doc(spec.description, '')}\nexport interface ${kind}Spec ${typeOf(spec, '')}`,
      '',
      `${doc(status.description, '')}\nexport interface ${kind}Status ${typeOf(status, '')}`,
    ].join('\n')
  })
  return `// Written by \`npm run generate\` from the CRDs beside it.\nimport type { ObjectMeta } from './object.ts'\n\n${blocks.join('\n\n')}\n`
}

function typeOf(schema: Schema, indent: string): string {
  if (schema['x-kubernetes-int-or-string']) return 'number | string'
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ')
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return arrayOf(typeOf(schema.items ?? {}, indent))
    case 'object':
      return schema.properties
        ? objectOf(schema, schema.properties, indent)
        : `Record<string, ${typeOf(schema.additionalProperties ?? {}, indent)}>`
    case 'string':
    case 'boolean':
      return schema.type
    default:
      return 'unknown'
  }
}

const arrayOf = (item: string): string => (item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`)

function objectOf(schema: Schema, properties: Record<string, Schema>, indent: string): string {
  const inner = `${indent}  `
  const fields = Object.entries(properties).flatMap(([name, property]) => {
    const present = 'default' in property || schema.required?.includes(name)
    return [
      ...(property.description ? [doc(property.description, inner)] : []),
      `${inner}${name}${present ? '' : '?'}: ${typeOf(property, inner)}`,
    ]
  })
  return `{\n${fields.join('\n')}\n${indent}}`
}

const doc = (description: string | undefined, indent: string): string => `${indent}/** ${(description ?? '').trim()} */`
