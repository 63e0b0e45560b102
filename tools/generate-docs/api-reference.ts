import { type Crd, crdFiles, readCrd, type Schema, schemaOf } from '../../crds/schema.ts'
import { conditionsText, eventsText } from './conditions-reference.ts'
import { boundsOf, typeText } from './field-text.ts'
import { code, pageOf, tableOf, valueText } from './markdown.ts'

/** docs/reference/api.md: every field of the CRDs, every condition with its reasons, every Event. */
export const apiReference = (): string =>
  pageOf(
    'API reference',
    [
      'The objects of `comms.decentraland.org/v1alpha1`. `kubectl explain realm.spec` shows the same sentences. All defaults are written into the object when it',
      'is created. All references to Secrets are to Secrets of the same namespace.',
    ].join('\n'),
    ...crdFiles.map(readCrd).map(kindText),
    eventsText(),
  )

/** The parts of a CRD that only kubectl reads. */
interface KubectlView {
  names: { plural: string; shortNames: string[]; categories?: string[] }
  versions: {
    subresources?: { scale?: { specReplicasPath: string } }
    additionalPrinterColumns?: { name: string; priority?: number }[]
  }[]
}

function kubectlText(crd: Crd): string {
  const { names, versions } = crd.spec as KubectlView
  const { subresources, additionalPrinterColumns = [] } = versions[0] ?? {}
  const columns = (isWide: boolean) =>
    additionalPrinterColumns.filter(({ priority = 0 }) => priority > 0 === isWide).map(({ name }) => name)
  const shown = [names.plural, ...names.shortNames, ...(names.categories ?? [])].map((name) => code(`kubectl get ${name}`))
  return [
    `${shown.join(', ')}: ${columns(false).join(', ')}; with ${code('-o wide')} also ${columns(true).join(', ')}.`,
    subresources?.scale
      ? `${code('kubectl scale')} and autoscalers set ${code(subresources.scale.specReplicasPath.slice(1))}.`
      : '',
  ].join(' ')
}

function kindText(crd: Crd): string {
  const { kind } = crd.spec.names
  const schema = schemaOf(crd)
  const seen = new Map<string, string>()
  const section = (name: string, part: Schema): string => {
    const fields = Object.entries(part.properties ?? {})
    const plain = fields.filter(([, field]) => !field.properties)
    const nested = fields.filter(([, field]) => field.properties)
    const rows = plain.flatMap(([key, field]) => rowsOf(`${name}.${key}`, key, field, part, seen))
    return [
      `### ${kind}.${name}`,
      part.description ?? '',
      rulesText(part),
      rows.length > 0 ? fieldTable(rows) : '',
      ...nested.map(([key, field]) => groupText(`${name}.${key}`, field, seen)),
    ]
      .filter(Boolean)
      .join('\n\n')
  }
  const { spec, status } = schema.properties ?? {}
  return [
    `## ${kind}`,
    schema.description ?? '',
    kubectlText(crd),
    rulesText(schema),
    ...(spec ? [section('spec', spec)] : []),
    ...(status ? [section('status', status)] : []),
    conditionsText(kind),
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** One field of the spec that has fields of its own, with all of those below it. */
function groupText(path: string, schema: Schema, seen: Map<string, string>): string {
  seen.set(JSON.stringify(schema), path)
  const rows = Object.entries(schema.properties ?? {}).flatMap(([key, field]) =>
    rowsOf(`${path}.${key}`, key, field, schema, seen),
  )
  return [`#### ${path}`, schema.description ?? '', rulesText(schema), fieldTable(rows)].filter(Boolean).join('\n\n')
}

const fieldTable = (rows: readonly string[][]): string => tableOf(['field', 'type', 'default', 'bounds', 'description'], rows)

/** A field and the fields below it; a group of fields that occurs again is described once. @param seen paths by the JSON of their schemas */
function rowsOf(path: string, key: string, schema: Schema, parent: Schema, seen: Map<string, string>): string[][] {
  const text = JSON.stringify(schema)
  const known = seen.get(text)
  const below = schema.properties ?? schema.items?.properties ?? {}
  const hasFields = Object.keys(below).length > 0
  if (hasFields && !known) seen.set(text, path)
  const description = [
    schema.description?.trim() ?? '',
    known ? `The same fields as ${code(known)}.` : '',
    ...rulesOf(schema.items?.properties ? schema.items : schema).map((rule) => `Rule: ${rule}.`),
  ]
  const own = [
    code(path.replace(/^(spec|status)\./, '')),
    typeText(schema),
    schema.properties ? '' : valueText(schema.default),
    boundsOf(schema, parent.required?.includes(key) ?? false),
    description.filter(Boolean).join(' '),
  ]
  if (known) return [own]
  const holder = schema.properties ? schema : (schema.items ?? schema)
  const prefix = schema.properties ? path : `${path}[]`
  return [own, ...Object.entries(below).flatMap(([name, field]) => rowsOf(`${prefix}.${name}`, name, field, holder, seen))]
}

const rulesOf = (schema: Schema): string[] => (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message.trim())

const rulesText = (schema: Schema): string => {
  const rules = rulesOf(schema)
  return rules.length > 0 ? `Rules:\n${rules.map((rule) => `- ${rule}`).join('\n')}` : ''
}
