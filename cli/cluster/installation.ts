import type { V1Deployment } from '@kubernetes/client-node'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { version as clientVersion } from '../../cells/version.ts'
import { type Crd, crdFiles, readCrd, type Schema, schemaOf } from '../../crds/schema.ts'
import type { ClusterNamespace } from './cluster.ts'
import { type Seen, seen } from './seen.ts'

/** The programs that the chart installs, by the label `app.kubernetes.io/name`. */
export type ProgramName = 'operator' | 'provider' | 'movement'

/** A Deployment of the chart. */
export interface InstalledProgram {
  program: ProgramName
  namespace: string
  /** Of the Deployment, and of the Service in front of it. */
  name: string
  /** Name of the release of Helm. */
  release: string
  /** The tag of its image, or the version of its chart where the tag is no version. */
  version: string
  image: string
  replicas: { wanted: number; ready: number; updated: number }
  /** Its environment, as far as it is written into the Deployment. */
  env: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
}

/** A CustomResourceDefinition of this project as the cluster has it. */
export interface InstalledCrd {
  name: string
  /** Version of the chart that it came with; undefined where another tool applied it. */
  version: string | undefined
  /** The release of Helm that owns it, as `namespace/name`. */
  owner: string | undefined
  /** Fields that this client knows and the cluster would drop. */
  missingFields: string[]
  /** Whether the API server serves it. */
  established: boolean
}

/** Selects what the chart installs, and its pods. */
export const OF_THE_CHART = 'app.kubernetes.io/part-of=realm-operator'
/** The namespace of docs/install.md, where one may look who may not list all namespaces. */
export const USUAL_NAMESPACE = 'realm-operator'
const PROGRAMS: readonly string[] = ['operator', 'provider', 'movement'] satisfies ProgramName[]

/** What the chart installed, in all namespaces, or else in the usual one and that of the context. */
export async function installedPrograms({ client, namespace }: ClusterNamespace): Promise<Seen<InstalledProgram[]>> {
  const of = (where?: string) =>
    seen(async () => {
      const { items } = await client.list<V1Deployment>(collectionPath(resources.Deployment, where), {
        labelSelector: OF_THE_CHART,
      })
      return items.flatMap(programOf).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    })
  const everywhere = await of()
  if ('value' in everywhere) return everywhere
  const some = await Promise.all([...new Set([USUAL_NAMESPACE, namespace])].map(of))
  const found = some.flatMap((each) => ('value' in each ? each.value : []))
  return found.length > 0 ? { value: found } : everywhere
}

const keyOf = ({ namespace, name, program }: InstalledProgram): string => `${program} ${namespace}/${name}`

function programOf({ metadata, spec, status }: V1Deployment): InstalledProgram[] {
  const { namespace = '', name = '', labels = {} } = metadata ?? {}
  const program = labels['app.kubernetes.io/name'] ?? ''
  const container = spec?.template.spec?.containers[0]
  if (!PROGRAMS.includes(program) || !container) return []
  const image = container.image ?? ''
  return [
    {
      ...{ program: program as ProgramName, namespace, name, image, labels },
      release: labels['app.kubernetes.io/instance'] ?? '',
      version: tagOf(image) ?? labels['app.kubernetes.io/version'] ?? 'unknown',
      replicas: { wanted: spec?.replicas ?? 1, ready: status?.readyReplicas ?? 0, updated: status?.updatedReplicas ?? 0 },
      env: Object.fromEntries((container.env ?? []).flatMap(({ name: variable, value }) => (value ? [[variable, value]] : []))),
    },
  ]
}

/** The tag of an image, where it is a version. */
const tagOf = (image: string): string | undefined => /:v?(\d+\.\d+\.\d+[\w.+-]*)(?:@|$)/.exec(image)?.[1]

interface LiveCrd extends KubeObject {
  spec: Crd['spec']
  status?: { conditions?: { type: string; status: string }[] }
}

/** The CRDs that the cluster has of this project; none where nothing was installed. */
export const installedCrds = ({ client }: Pick<ClusterNamespace, 'client'>): Promise<Seen<InstalledCrd[]>> =>
  seen(async () => {
    const found = await Promise.all(
      crdFiles.map(async (file) => {
        const ours = readCrd(file)
        const live = await client.get<LiveCrd>(resources.CustomResourceDefinition, { name: ours.metadata.name })
        return live ? [crdOf(ours, live)] : []
      }),
    )
    return found.flat()
  })

function crdOf(ours: Crd, { metadata, spec, status }: LiveCrd): InstalledCrd {
  const { name, labels = {}, annotations = {} } = metadata
  const release = annotations['meta.helm.sh/release-name']
  const known = new Set(fieldsOf(schemaOf({ metadata, spec })))
  return {
    name,
    version: labels['app.kubernetes.io/version'],
    owner: release && `${annotations['meta.helm.sh/release-namespace'] ?? ''}/${release}`,
    missingFields: fieldsOf(schemaOf(ours)).filter((field) => !known.has(field)),
    established: status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True') === true,
  }
}

/** The paths of all fields of a schema, items of lists without an index. */
function fieldsOf({ properties = {}, items, additionalProperties }: Schema, path = ''): string[] {
  const below = Object.entries(properties).flatMap(([name, schema]) => {
    const at = path ? `${path}.${name}` : name
    return [at, ...fieldsOf(schema, at)]
  })
  const inside = [items, additionalProperties].flatMap((schema) => (typeof schema === 'object' ? fieldsOf(schema, path) : []))
  return [...below, ...inside]
}

/** Two versions that do not fit together, and what to do. */
export interface Skew {
  between: string
  message: string
  fix: string
}

/** What of an installation is of another version than it should be; a patch release more or less does not count. */
export function skewsOf(programs: readonly InstalledProgram[], crds: readonly InstalledCrd[]): Skew[] {
  const operators = programs.filter(({ program }) => program === 'operator')
  const ofClient = operators
    .filter(({ version }) => !isSameMinor(version, clientVersion))
    .map(
      ({ version, namespace, name }): Skew => ({
        between: 'client, operator',
        message: `the operator ${namespace}/${name} is ${version}, and this client ${clientVersion}`,
        fix: `npx --package realm-operator@${version} realmctl …`,
      }),
    )
  const ofParts = operators.flatMap(({ release, namespace, version }) =>
    programs
      .filter((each) => each.release === release && each.namespace === namespace && each.version !== version)
      .map(
        (each): Skew => ({
          between: `operator, ${each.program}`,
          message: `the operator ${namespace}/${release} is ${version}, and its ${each.program} ${each.version}`,
          fix: `run the same helm upgrade again, with the values of the release ${release}`,
        }),
      ),
  )
  const ofCrds = operators.flatMap(({ version, namespace, name }) =>
    crds
      .filter((crd) => crd.version !== undefined && !isSameMinor(crd.version, version))
      .map(
        (crd): Skew => ({
          between: 'operator, CRDs',
          message: `the CRD ${crd.name} is of ${crd.version}, and the operator ${namespace}/${name} ${version}`,
          fix: `apply the CRDs of ${version}: helm upgrade with crds.install=true, or kubectl apply --server-side -f crds/`,
        }),
      ),
  )
  return [...ofClient, ...ofParts, ...ofCrds]
}

const isSameMinor = (a: string, b: string): boolean => minorOf(a) === minorOf(b)
const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.')
