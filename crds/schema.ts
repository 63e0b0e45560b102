import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

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

/** The text of a CRD: beside this file in the sources, two folders up in the compiled package. */
export function readCrdText(file: (typeof crdFiles)[number]): string {
  const here = new URL(`./${file}`, import.meta.url)
  return readFileSync(import.meta.url.endsWith('.ts') ? here : new URL(`../../crds/${file}`, import.meta.url), 'utf8')
}

/** A CRD, parsed. */
export const readCrd = (file: (typeof crdFiles)[number]): Crd => parse(readCrdText(file), { merge: true }) as Crd

/** The schema of the one version a CRD has. */
export function schemaOf(crd: Crd): Schema {
  const [version] = crd.spec.versions
  if (!version) throw new Error(`${crd.metadata.name} has no version`)
  return version.schema.openAPIV3Schema
}
