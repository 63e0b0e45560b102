import { type Document, isCollection, isScalar, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { messageOf } from '../cells/chassis/errors.ts'
import { keyText } from '../crds/object.ts'
import type { Problem } from '../crds/problem.ts'
import { API_VERSION, type Realm, realmNameOf } from '../crds/realm.ts'
import { readCrd } from '../crds/schema.ts'
import { createValidator } from '../crds/validate.ts'

/** An error in a manifest. */
export interface ManifestProblem {
  file: string
  line: number
  /** `spec.cells.replicas`; empty for an error of the whole document. */
  field: string
  message: string
}

/** The documents of a manifest that can be run without a cluster. */
export interface Manifest {
  realms: readonly Realm[]
  /** Secrets by `namespace/name`, their values in the clear. */
  secrets: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Documents that only a cluster can use: `Namespace default/metaverse`. */
  ignored: readonly string[]
}

/** A valid manifest, or all its errors. */
export type ReadManifest = { ok: true; manifest: Manifest } | { ok: false; problems: ManifestProblem[] }

const validateRealm = createValidator<Realm>(readCrd('realm.crd.yaml'))

/** Most documents in one file. */
const MAX_DOCUMENTS = 64
/** Most levels of values in values; a Realm has about ten. */
const MAX_DEPTH = 64
const DEFAULT_NAMESPACE = 'default'

/**
 * Reads the documents of a YAML file: Realms, and the Secrets they name.
 *
 * @param previous what runs now, so that changes of immutable fields are refused as a cluster would refuse them
 */
export function readManifest(file: string, text: string, previous: readonly Realm[] = []): ReadManifest {
  const lines = new LineCounter()
  const documents = documentsIn(text, lines)
  if (documents instanceof Error) return { ok: false, problems: [{ file, line: 1, field: '', message: documents.message }] }
  const problems: ManifestProblem[] = []
  const realms: Realm[] = []
  const secrets = new Map<string, Readonly<Record<string, string>>>()
  const ignored: string[] = []
  const report = (line: number, field: string, message: string) => problems.push({ file, line, field, message })

  if (documents.length === 0) return { ok: false, problems: [{ file, line: 1, field: '', message: 'the file is empty' }] }
  if (documents.length > MAX_DOCUMENTS) report(1, '', `has ${documents.length} documents, more than ${MAX_DOCUMENTS}`)
  for (const document of documents.slice(0, MAX_DOCUMENTS)) {
    for (const error of document.errors)
      report(lines.linePos(error.pos[0]).line, '', (error.message.split(' at line')[0] ?? '').trim())
    if (document.errors.length > 0 || document.contents === null) continue
    const lineAt = (path: Problem['path']) => lineOf(document, path, lines)
    const value = unfolded(document)
    if (value instanceof Error) {
      report(1, '', value.message)
      continue
    }
    const object = plainObject(value)
    if (!object) report(lineAt([]), '', 'is not a Kubernetes object: apiVersion, kind, metadata and spec are expected')
    else if (object.kind === 'Realm') {
      if (object.apiVersion !== API_VERSION)
        report(
          lineAt(['apiVersion']),
          'apiVersion',
          `must be ${API_VERSION}${'apiVersion' in object ? `, not ${textOf(object.apiVersion)}` : ''}`,
        )
      const judged = validateRealm(inNamespace(object), previousOf(object, previous))
      if (judged.ok) realms.push(judged.object)
      else for (const { path, message } of judged.problems) report(lineAt(path), path.join('.'), message)
    } else if (object.kind === 'Secret') {
      const read = secretValues(object)
      if (read) secrets.set(keyText(keyOf(object)), read)
      else report(lineAt(['data']), 'data', 'a Secret holds strings under stringData, or base64 under data')
    } else ignored.push(`${textOf(object.kind)} ${keyText(keyOf(object))}`)
  }
  for (const { realm, message } of clashes(realms)) report(1, '', `${keyText(realm.metadata)}: ${message}`)
  if (realms.length === 0 && problems.length === 0) report(1, '', `declares no Realm (apiVersion ${API_VERSION}, kind Realm)`)
  return problems.length === 0 ? { ok: true, manifest: { realms, secrets, ignored } } : { ok: false, problems }
}

type PlainObject = Record<string, unknown> & { metadata?: { name?: unknown; namespace?: unknown } }

/** The parsed documents; an error where the parser gives up, for example because values are nested too deeply. */
function documentsIn(text: string, lineCounter: LineCounter): readonly Document[] | Error {
  try {
    // Whatever is worth a warning here is an error of the object that is read.
    return parseAllDocuments(text, { lineCounter, merge: true, logLevel: 'error' })
  } catch (error) {
    return new Error(messageOf(error))
  }
}

/** The document's value; an error where a few lines of aliases would expand to gigabytes, or levels to a stack overflow. */
function unfolded(document: Document): unknown {
  try {
    const value: unknown = document.toJS()
    return isDeeper(value, MAX_DEPTH) ? new Error(`is nested more than ${MAX_DEPTH} levels deep`) : value
  } catch (error) {
    return new Error(messageOf(error))
  }
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)))

function plainObject(value: unknown): PlainObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'kind' in value
    ? (value as PlainObject)
    : undefined
}

const keyOf = ({ metadata }: PlainObject) => ({
  namespace: typeof metadata?.namespace === 'string' ? metadata.namespace : DEFAULT_NAMESPACE,
  name: textOf(metadata?.name ?? ''),
})

const inNamespace = (object: PlainObject): PlainObject => ({
  ...object,
  metadata: { namespace: DEFAULT_NAMESPACE, ...object.metadata },
})

const previousOf = (object: PlainObject, previous: readonly Realm[]): Realm | undefined =>
  previous.find(({ metadata }) => keyText(metadata) === keyText(keyOf(object)))

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

function secretValues(object: PlainObject): Record<string, string> | undefined {
  // As everywhere in Kubernetes, null is the same as absent.
  const { data, stringData } = { data: object.data ?? {}, stringData: object.stringData ?? {} }
  if (typeof data !== 'object' || typeof stringData !== 'object') return undefined
  const entries = [...Object.entries(data), ...Object.entries(stringData)]
  if (entries.some(([, value]) => typeof value !== 'string')) return undefined
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()])
  return { ...Object.fromEntries(decoded), ...(stringData as Record<string, string>) }
}

function clashes(realms: readonly Realm[]): { realm: Realm; message: string }[] {
  const keys = new Set<string>()
  const names = new Map<string, Realm>()
  return realms.flatMap((realm) => {
    const key = keyText(realm.metadata)
    const name = realmNameOf(realm)
    const namesake = names.get(name)
    const twice = keys.has(key)
    keys.add(key)
    names.set(name, realm)
    if (twice) return [{ realm, message: 'is declared twice' }]
    return namesake
      ? [{ realm, message: `has the same realm name as ${keyText(namesake.metadata)}: set spec.realmName of one of them` }]
      : []
  })
}

/** The line of a path, or of the nearest thing above it that is written down. */
function lineOf(document: Document, path: Problem['path'], lines: LineCounter): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const offset = keyOffset(document, path.slice(0, depth))
    if (offset !== undefined) return lines.linePos(offset).line
  }
  return 1
}

function keyOffset(document: Document, path: Problem['path']): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0]
  const parent = document.getIn(path.slice(0, -1), true)
  const last = path[path.length - 1]
  if (!isCollection(parent)) return undefined
  for (const [i, item] of parent.items.entries()) {
    const key = (item as { key?: Node }).key ?? (i === last ? (item as Node) : undefined)
    if (key?.range && (i === last || (isScalar(key) && key.value === last))) return key.range[0]
  }
  return undefined
}
