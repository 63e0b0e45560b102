import { UserError } from '../../cells/chassis/errors.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { CELL_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'
import { quantityOf } from '../../operator/kubernetes/fingerprint.ts'
import { type ClusterNamespace, sentenceOf } from '../cluster/cluster.ts'
import { installedPrograms } from '../cluster/installation.ts'
import { readJson } from '../cluster/raw-reader.ts'
import { seen, seenValue } from '../cluster/seen.ts'
import type { TopData, TopRealm, TopUse } from './top-data.ts'

/** The realm provider of a cluster, asked through the API server, and what the API server itself knows of realms. */
export interface ClusterTop {
  /** URL that stands for the realm provider. */
  provider: string
  ask(url: string): Promise<FetchResult>
  /** Adds what the objects and the metrics of a cluster say. */
  withUse(data: TopData): Promise<TopData>
}

interface PodMetrics {
  metadata: { namespace: string; labels?: Record<string, string> }
  containers: { usage: { cpu?: string; memory?: string } }[]
}

const PodMetricsResource: Resource = { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', plural: 'pods' }
const LIMITS = { maxBytes: 64 * 1024 * 1024 }

/** @throws UserError 4 where no realm provider is seen */
export async function clusterTop(cluster: ClusterNamespace): Promise<ClusterTop> {
  const seenPrograms = await installedPrograms(cluster)
  // Why nothing is seen is told in the words of every command.
  if ('unseen' in seenPrograms) await cluster.client.list(collectionPath(resources.Deployment, cluster.namespace), {})
  const programs = seenValue(seenPrograms) ?? []
  const found = programs.find(({ program }) => program === 'provider')
  if (!found)
    throw new UserError('No realm provider is seen in the cluster: give its URL, or the namespace of its release with -n.', 4)
  const service = `/api/v1/namespaces/${found.namespace}/services/${found.name}:http/proxy`
  return {
    provider: `http://${found.name}.${found.namespace}`,
    async ask(url) {
      try {
        return { ok: true, status: 200, body: await readJson(cluster.raw, `${service}${new URL(url).pathname}`, LIMITS) }
      } catch (error) {
        if (!(error instanceof KubeError)) throw error
        if (error.status !== 401) return { ok: false, reason: sentenceOf(error) }
        return { ok: false, reason: 'its console asks for a token, which the API server does not pass on; realmctl forward does' }
      }
    },
    withUse: async (data) => dataWithUse(data, await readObjects(cluster)),
  }
}

/** What the use of realms is computed from; a list that may not be read is empty. */
export interface UseObjects {
  realms: readonly Realm[]
  cells: readonly CommsCell[]
  /** Undefined where the cluster has no metrics, or they may not be read. */
  pods: readonly PodMetrics[] | undefined
}

async function readObjects({ client, namespace }: ClusterNamespace): Promise<UseObjects> {
  const list = async <T>(resource: Resource, query = {}): Promise<T[] | undefined> => {
    const of = (where?: string) => seen(async () => (await client.list<T>(collectionPath(resource, where), query)).items)
    const everywhere = await of()
    return seenValue('value' in everywhere ? everywhere : await of(namespace))
  }
  const [realms = [], cells = [], pods] = await Promise.all([
    list<Realm>(realmResource),
    list<CommsCell>(cellResource),
    list<PodMetrics>(PodMetricsResource, { labelSelector: REALM_LABEL }),
  ])
  return { realms, cells, pods }
}

/** Adds to realms and cells how full they are, and what their pods use. */
export function dataWithUse(data: TopData, objects: UseObjects): TopData {
  return { ...data, realms: data.realms.map((realm) => realmWithUse(realm, objects)) }
}

function realmWithUse(top: TopRealm, { realms, cells, pods }: UseObjects): TopRealm {
  const { namespace, name } = top
  const realm = realms.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
  const ofRealm = cells.filter(({ metadata, spec }) => metadata.namespace === namespace && spec.realmRef.name === name)
  const used = (of: (labels: Record<string, string>) => boolean) =>
    usedBy(pods?.filter(({ metadata }) => metadata.namespace === namespace && of(metadata.labels ?? {})))
  const useOf = (players: number | null, some: readonly CommsCell[]) => ({
    connectors: connectorsOf(some),
    saturation: saturationOf(players, realm && capacityOf(realm, some)),
  })
  return {
    ...top,
    ...useOf(top.players, ofRealm),
    ...used((labels) => labels[REALM_LABEL] === name),
    cells: top.cells.map((each) => {
      // During a rollout a slot has two cells; its players are in both.
      const inSlot = ofRealm.filter(({ spec }) => spec.slot === each.slot)
      const names = new Set(inSlot.map(({ metadata }) => metadata.name))
      return { ...each, ...useOf(each.players, inSlot), ...used((labels) => names.has(labels[CELL_LABEL] ?? '')) }
    }),
  }
}

function connectorsOf(cells: readonly CommsCell[]): TopUse['connectors'] {
  if (cells.length === 0) return null
  return {
    ready: cells.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0),
    wanted: cells.reduce((sum, { spec }) => sum + spec.connectors.replicas, 0),
  }
}

/** The players that some cells are meant for: those of their ready connectors, or else those of each cell. */
function capacityOf({ spec }: Realm, cells: readonly CommsCell[]): number | undefined {
  const perConnector = spec.autoscale?.playersPerConnector
  if (perConnector !== undefined) return perConnector * (connectorsOf(cells)?.ready ?? 0)
  return spec.cells.capacity === undefined ? undefined : spec.cells.capacity * cells.length
}

const saturationOf = (players: number | null, capacity: number | undefined): number | null =>
  players === null || !capacity ? null : Math.round((players / capacity) * 1_000) / 1_000

function usedBy(pods: readonly PodMetrics[] | undefined): Pick<TopUse, 'cpuCores' | 'memoryBytes'> {
  if (!pods || pods.length === 0) return { cpuCores: null, memoryBytes: null }
  const sum = (name: 'cpu' | 'memory') =>
    pods.flatMap(({ containers }) => containers).reduce((total, { usage }) => total + (Number(quantityOf(usage[name])) || 0), 0)
  return { cpuCores: Math.round(sum('cpu') * 1_000) / 1_000, memoryBytes: sum('memory') }
}
