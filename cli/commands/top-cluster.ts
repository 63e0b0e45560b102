import type { V1Pod } from '@kubernetes/client-node'
import { UserError } from '../../cells/chassis/errors.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { CELL_LABEL, COMPONENT_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'
import { quantityOf } from '../../operator/kubernetes/fingerprint.ts'
import { type ClusterNamespace, sentenceOf } from '../cluster/cluster.ts'
import { installedPrograms } from '../cluster/installation.ts'
import { readJson } from '../cluster/raw-reader.ts'
import { type Seen, seen, seenValue } from '../cluster/seen.ts'
import type { TopData, TopRealm, TopUse } from './top-data.ts'
import { joinP99Of, joinSuccessOf, type PodJoins, type ReadJoins, readJoins } from './top-joins.ts'

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
const CONNECTORS = `${REALM_LABEL},${COMPONENT_LABEL}=connector`
/** All connectors of a cluster are many answers: `--watch` shows for so long what they said. */
const JOINS_MS = 10_000
const LIMITS = { maxBytes: 64 * 1024 * 1024 }

/**
 * @param now milliseconds since an arbitrary start
 * @throws UserError 4 where no realm provider is seen
 */
export async function clusterTop(cluster: ClusterNamespace, now: () => number): Promise<ClusterTop> {
  const seenPrograms = await installedPrograms(cluster)
  // Why nothing is seen is told in the words of every command.
  if ('unseen' in seenPrograms) await cluster.client.list(collectionPath(resources.Deployment, cluster.namespace), {})
  const programs = seenValue(seenPrograms) ?? []
  const found = programs.find(({ program }) => program === 'provider')
  if (!found)
    throw new UserError('No realm provider is seen in the cluster: give its URL, or the namespace of its release with -n.', 4)
  const service = `/api/v1/namespaces/${found.namespace}/services/${found.name}:http/proxy`
  const joins = joinsFor(cluster, now)
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
    withUse: async (data) => dataWithUse(data, await readObjects(cluster, joins)),
  }
}

/** Reads the joins of some connectors, or returns what was read lately. */
function joinsFor(cluster: ClusterNamespace, now: () => number): (pods: Seen<V1Pod[]>) => Promise<ReadJoins> {
  let read: Promise<ReadJoins> | undefined
  let until = Number.NEGATIVE_INFINITY
  return (pods) => {
    if (read === undefined || now() >= until) {
      read = readJoins(cluster, pods)
      until = now() + JOINS_MS
    }
    return read
  }
}

/** What the use of realms is computed from; a list that may not be read is empty. */
export interface UseObjects {
  realms: readonly Realm[]
  cells: readonly CommsCell[]
  /** Undefined where the cluster has no metrics, or they may not be read. */
  pods: readonly PodMetrics[] | undefined
  joins: readonly PodJoins[]
  notes: string[]
}

async function readObjects(
  { client, namespace }: ClusterNamespace,
  joinsOf: (pods: Seen<V1Pod[]>) => Promise<ReadJoins>,
): Promise<UseObjects> {
  const list = async <T>(resource: Resource, query = {}): Promise<Seen<T[]>> => {
    const of = (where?: string) => seen(async () => (await client.list<T>(collectionPath(resource, where), query)).items)
    const everywhere = await of()
    return 'value' in everywhere ? everywhere : of(namespace)
  }
  const [realms, cells, pods, joins] = await Promise.all([
    list<Realm>(realmResource),
    list<CommsCell>(cellResource),
    list<PodMetrics>(PodMetricsResource, { labelSelector: REALM_LABEL }),
    list<V1Pod>(resources.Pod, { labelSelector: CONNECTORS }).then(joinsOf),
  ])
  const notes = [...('unseen' in pods ? [useNote(pods.unseen)] : []), ...(joins.note === undefined ? [] : [joins.note])]
  return { realms: seenValue(realms) ?? [], cells: seenValue(cells) ?? [], pods: seenValue(pods), joins: joins.pods, notes }
}

/** What is said where CPU and memory are not known. */
const useNote = (why: string): string =>
  /could not find the requested resource|not found/.test(why)
    ? 'CPU and memory are not known: this cluster has no metrics API; metrics-server adds it (https://github.com/kubernetes-sigs/metrics-server).'
    : `CPU and memory are not known: ${why}`

/** Adds to realms and cells how full they are, and what their pods use. */
export function dataWithUse(data: TopData, objects: UseObjects): TopData {
  const { notes } = objects
  return { ...data, realms: data.realms.map((realm) => realmWithUse(realm, objects)), ...(notes.length > 0 && { notes }) }
}

function realmWithUse(top: TopRealm, { realms, cells, pods, joins }: UseObjects): TopRealm {
  const { namespace, name } = top
  const realm = realms.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
  const ofRealm = cells.filter(({ metadata, spec }) => metadata.namespace === namespace && spec.realmRef.name === name)
  const used = (of: (labels: Record<string, string>) => boolean) =>
    usedBy(pods?.filter(({ metadata }) => metadata.namespace === namespace && of(metadata.labels ?? {})))
  const ofItsConnectors = joins.filter((each) => each.namespace === namespace && each.realm === name)
  const joinsOf = (some: readonly PodJoins[]) => {
    const readings = some.map((each) => each.joins)
    return { joinP99Seconds: joinP99Of(readings), joinSuccess: joinSuccessOf(readings) }
  }
  const useOf = (players: number | null, some: readonly CommsCell[]) => ({
    connectors: connectorsOf(some),
    saturation: saturationOf(players, realm && capacityOf(realm, some)),
  })
  return {
    ...top,
    ...useOf(top.players, ofRealm),
    ...used((labels) => labels[REALM_LABEL] === name),
    ...joinsOf(ofItsConnectors),
    cells: top.cells.map((each) => {
      // During a rollout a slot has two cells; its players are in both.
      const inSlot = ofRealm.filter(({ spec }) => spec.slot === each.slot)
      const names = new Set(inSlot.map(({ metadata }) => metadata.name))
      const ofSlot = joinsOf(ofItsConnectors.filter(({ cell }) => names.has(cell)))
      return { ...each, ...useOf(each.players, inSlot), ...used((labels) => names.has(labels[CELL_LABEL] ?? '')), ...ofSlot }
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
