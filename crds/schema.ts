import { readCrdFile } from './crd-folder.ts'

/** A structural OpenAPI v3 schema, as far as this project's CRDs use it. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  description?: string
  default?: unknown
  required?: string[]
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  items?: Schema
  enum?: string[]
  pattern?: string
  'x-kubernetes-validations'?: { rule: string; message: string; fieldPath?: string }[]
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: 'set' | 'map' | 'atomic'
}

/** A CustomResourceDefinition of this project. */
export interface Crd {
  metadata: { name: string }
  spec: {
    group: string
    names: { kind: string; plural: string; shortNames: string[] }
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
  }
}

/** The files that are the public API, in the order in which they are applied. */
export const crdFiles = ['realm.crd.yaml', 'commscell.crd.yaml'] as const

type CrdFile = (typeof crdFiles)[number]

/** The CRDs by their files, as JSON: to parse the YAML takes a seventh of the time in which `realmctl up` starts. */
export const parsedCrdsFile = 'crds.gen.json'

/** The text of a CRD. */
export const readCrdText = (file: CrdFile): string => readCrdFile(file)

/** A CRD, parsed. */
export const readCrd = (file: CrdFile): Crd => (JSON.parse(readCrdFile(parsedCrdsFile)) as Record<CrdFile, Crd>)[file]

/** The schema of the one version a CRD has. */
export function schemaOf(crd: Crd): Schema {
  const [version] = crd.spec.versions
  if (!version) throw new Error(`${crd.metadata.name} has no version`)
  return version.schema.openAPIV3Schema
}
