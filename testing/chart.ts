import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { V1PolicyRule } from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { runCommand } from './parts/command.ts'

/** The folder of the Helm chart. */
export const chart = fileURLToPath(new URL('../helm/', import.meta.url))

/** A rendered object, as far as the tests look into it. */
export interface Rendered {
  kind: string
  metadata: { name: string; namespace?: string; annotations?: Record<string, string>; labels?: Record<string, string> }
  rules?: V1PolicyRule[]
  spec?: unknown
}

/** Renders the chart with `--set` for each setting, as the release `realms` of the namespace `operations`. @param kube folder with a `helm` */
export async function renderChart(kube: string, settings: readonly string[]): Promise<Rendered[]> {
  const options = ['image.repository=registry.example.org/realm-operator', ...settings].flatMap((setting) => ['--set', setting])
  const text = await runCommand(join(kube, 'helm'), ['template', 'realms', chart, '--namespace', 'operations', ...options])
  return renderedObjects(text)
}

/** The objects in what Helm printed. */
export const renderedObjects = (text: string): Rendered[] =>
  parseAllDocuments(text).flatMap((document) => (document.contents === null ? [] : [document.toJS()]))

/** One of the rendered objects. @throws when there is none of this kind and name */
export function named(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return found
}
