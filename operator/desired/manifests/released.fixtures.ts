import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { parse, parseAllDocuments, stringify } from 'yaml'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { readCrd } from '../../../crds/schema.ts'
import { createValidator } from '../../../crds/validate.ts'
import { platformOf, readConfig } from '../../config.ts'
import { planCell, planRealm } from '../plan.ts'
import { clusterSite } from '../site.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { cellObjects, generatedSecrets, realmObjects } from './objects.ts'

/** What one release rendered for some realms. It is never changed after the release. */
export interface Release {
  version: string
  realms: Realm[]
  /** The cells it created for them. */
  cells: CommsCell[]
  /** The fields that cannot change without disturbing players, by kind and name. */
  rendered: Record<string, unknown>
}

const golden = fileURLToPath(new URL('golden', import.meta.url))
// With the default values of the chart: the images that belong to a release are part of its render.
const { managed } = parse(readFileSync(fileURLToPath(new URL('../../../helm/values.yaml', import.meta.url)), 'utf8')) as {
  managed: { nats: string; livekit: string }
}
const platform = platformOf(
  readConfig({
    IMAGE_REPOSITORY: 'ghcr.io/example/realm',
    PROVIDER_URL: 'http://realm-provider',
    NATS_IMAGE: managed.nats,
    LIVEKIT_IMAGE: managed.livekit,
  }),
  'realm-system',
)
const site = clusterSite(platform.clusterDomain, platform.providerUrl)

/** The releases whose renders are stored. */
export const releases = (): string[] => readdirSync(golden).filter((name) => /^\d+\.\d+\.\d+/.test(name))

/** The files of a release. */
export const filesOf = (version: string) => {
  const file = (name: string) => join(golden, version, name)
  return {
    folder: join(golden, version),
    realms: file('realms.yaml'),
    cells: file('cells.yaml'),
    rendered: file('rendered.yaml'),
  }
}

/** A stored release, with the defaults that today's API server fills in when it reads the stored objects. */
export function storedRelease(version: string): Release {
  const files = filesOf(version)
  return {
    version,
    realms: readRealms(files.realms),
    cells: completed<CommsCell>('commscell.crd.yaml', files.cells),
    rendered: existsSync(files.rendered) ? parse(readFileSync(files.rendered, 'utf8')) : {},
  }
}

/** Realms of a file, with the defaults of the API server. */
export const readRealms = (file: string): Realm[] => completed<Realm>('realm.crd.yaml', file)

/** What today's operator renders for realms and the cells they have. */
export function renderRelease(realms: readonly Realm[], cells: readonly CommsCell[] = []): Omit<Release, 'version' | 'realms'> {
  const made: CommsCell[] = []
  const objects: KubeManifest[] = []
  for (const realm of realms) {
    const existing = cells.filter(({ spec }) => spec.realmRef.name === realm.metadata.name)
    const plan = planRealm(realm, { cells: existing, services: [] }, site)
    made.push(...plan.cells)
    objects.push(
      ...realmObjects(realm, plan, platform),
      ...plan.cells.flatMap((cell) => cellObjects(cell, planCell(cell), platform)),
    )
  }
  const rendered = objects.flatMap((object): [string, unknown][] => {
    const lasting = lastingOf(object)
    return lasting === undefined ? [] : [[`${object.kind} ${object.metadata.name}`, lasting]]
  })
  // A Secret that exists gets no further key, because the operator neither reads nor changes Secrets: a new key needs a Secret of its own.
  const secrets = realms.flatMap((realm) =>
    generatedSecrets(realm).map(({ metadata, keys }) => [`Secret ${metadata.name}`, { keys }] as const),
  )
  return { cells: plain(made), rendered: plain(Object.fromEntries([...rendered, ...secrets])) }
}

/** The fields of an object that restart pods, are immutable, or close connections when they change. */
function lastingOf(object: KubeManifest): unknown {
  if (object.kind === 'Ingress') return (object as KubeManifest & { spec: object }).spec
  const { spec } = object as { spec?: { template?: V1PodTemplateSpec; selector?: object; serviceName?: string } }
  if (!spec?.template) return undefined
  const { template, selector, serviceName } = spec
  return { template, ...(selector && { selector }), ...(serviceName && { serviceName }) }
}

function completed<T>(crd: Parameters<typeof readCrd>[0], file: string): T[] {
  const validate = createValidator<T>(readCrd(crd))
  const documents = existsSync(file) ? parseAllDocuments(readFileSync(file, 'utf8')) : []
  return documents.map((document) => {
    const judged = validate(document.toJS())
    if (judged.ok) return judged.object
    throw new Error(`${file}: ${judged.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n')}`)
  })
}

const plain = <T>(value: T): T => parse(stringify(value, { aliasDuplicateObjects: false })) as T
