import type { V1IngressClass, V1Node, V1StorageClass } from '@kubernetes/client-node'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { readRelayAddress } from '../../cells/wire/relay-address.ts'
import type { Realm } from '../../crds/realm.ts'
import { podStateOf } from '../../operator/kubernetes/cache/pod-state.ts'
import { GONE_AFTER_MS } from '../../operator/leader/installations.ts'
import type { LeaderLease } from '../../operator/leader/lease.ts'
import type { RelayAnswer } from '../../operator/observed/relay-state.ts'
import type { RelayProbe } from '../../operator/observers/movement/relay-probe.ts'
import { isAllowed } from '../cluster/access-review.ts'
import { type ClusterNamespace, realmsIn } from '../cluster/cluster.ts'
import {
  type InstalledCrd,
  type InstalledProgram,
  installedCrds,
  installedPrograms,
  OF_THE_CHART,
  USUAL_NAMESPACE,
} from '../cluster/installation.ts'
import { readJson } from '../cluster/raw-reader.ts'
import { type Seen, seen, seenValue } from '../cluster/seen.ts'

/** What a doctor asks besides the API server. */
export interface DoctorProbes {
  relay: RelayProbe
  /** Time of day, in milliseconds since the epoch. */
  today(): number
  /** Milliseconds since an arbitrary start. */
  now(): number
}

/** How the API server answered. */
export interface ApiServerFacts {
  server: string
  /** Such as `v1.34.4`; undefined where it did not answer, for the reason in `problem`. */
  version?: string
  problem?: string
  tookMs: number
  /** By how much the clock of this machine is ahead of that of the API server, at least; undefined where it did not say. */
  aheadMs?: number
}

/** A right that a person has or lacks. */
export interface Right {
  /** Such as `list pods`. */
  what: string
  /** What it is for. */
  why: string
  has: boolean
}

/** A pod of the installation that does not work. */
export interface PodFact {
  namespace: string
  name: string
  problem: string
}

export interface LeaseFact {
  holder: string
  /** Since its last renewal, by the clock of the API server; undefined where it was never renewed. */
  ageMs: number | undefined
}

/** Everything that the checks of an installation depend on. */
export interface ClusterFacts {
  apiServer: ApiServerFacts
  crds: Seen<InstalledCrd[]>
  programs: Seen<InstalledProgram[]>
  pods: Seen<PodFact[]>
  /** Of the leader election of each operator, by `namespace/name` of its Deployment. */
  leases: ReadonlyMap<string, Seen<LeaseFact | undefined>>
  /** What each realm provider answers, by `namespace/name`. */
  providers: ReadonlyMap<string, Seen<number>>
  /** What each movement relay of an installation answers from this machine, by its address. */
  relays: ReadonlyMap<string, RelayAnswer>
  rights: Seen<Right[]>
  nodes: Seen<V1Node[]>
  ingressClasses: Seen<V1IngressClass[]>
  storageClasses: Seen<V1StorageClass[]>
  realms: Seen<Realm[]>
}

const NodeResource: Resource = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', clusterScoped: true }
const StorageClassResource: Resource = {
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', plural: 'storageclasses', clusterScoped: true },
}

/** Reads the API server's version first: where that fails, nothing else is asked. */
export async function readApiServer({ client, raw }: ClusterNamespace, probes: DoctorProbes): Promise<ApiServerFacts> {
  const { server } = client
  const startedAt = probes.now()
  const answer = await seen(() => raw.read('/version'))
  const [tookMs, today] = [probes.now() - startedAt, probes.today()]
  if ('unseen' in answer) return { server, tookMs, problem: answer.unseen }
  const { text, date } = answer.value
  return { server, tookMs, ...versionIn(text), ...(date !== undefined && { aheadMs: aheadBy(today, date, tookMs) }) }
}

function versionIn(text: string): Pick<ApiServerFacts, 'version' | 'problem'> {
  try {
    return { version: String((JSON.parse(text) as { gitVersion?: unknown }).gitVersion) }
  } catch (error) {
    return { problem: `its answer is no version: ${messageOf(error)}` }
  }
}

/** The header was written at any time within the request, and has no part of its second: what these explain is no difference. */
function aheadBy(today: number, date: number, tookMs: number): number {
  const [least, most] = [today - tookMs - (date + 999), today - date]
  return Math.max(least, Math.min(most, 0))
}

/** Reads what the checks of an installation depend on. */
export async function readClusterFacts(
  cluster: ClusterNamespace,
  apiServer: ApiServerFacts,
  probes: DoctorProbes,
): Promise<ClusterFacts> {
  const { client } = cluster
  const list = <T>(resource: Resource) => seen(async () => (await client.list<T>(collectionPath(resource), {})).items)
  const [crds, programs, rights, nodes, ingressClasses, storageClasses] = await Promise.all([
    installedCrds(cluster),
    installedPrograms(cluster),
    readRights(cluster),
    list<V1Node>(NodeResource),
    list<V1IngressClass>(resources.IngressClass),
    list<V1StorageClass>(StorageClassResource),
  ])
  const installed = seenValue(programs) ?? []
  const serverNow = probes.today() - (apiServer.aheadMs ?? 0)
  const [realms, pods, leases, providers, relays] = await Promise.all([
    realmsOf(cluster, crds),
    failingPodsIn(
      client,
      installed.map(({ namespace }) => namespace),
    ),
    mapOf(installed, 'operator', (program) => leaseOf(cluster, program, serverNow)),
    mapOf(installed, 'provider', (program) => answerOf(cluster, program)),
    relaysOf(installed, probes),
  ])
  return { apiServer, crds, programs, pods, leases, providers, relays, rights, nodes, ingressClasses, storageClasses, realms }
}

/** Of all namespaces, or else of that of the context. */
async function realmsOf(cluster: ClusterNamespace, crds: Seen<InstalledCrd[]>): Promise<Seen<Realm[]>> {
  if (seenValue(crds)?.length === 0) return { value: [] }
  const all = await seen(() => realmsIn({ client: cluster.client }))
  return 'value' in all ? all : seen(() => realmsIn(cluster))
}

/** By what the facts of a program are found. */
export const keyOf = ({ namespace, name }: InstalledProgram): string => `${namespace}/${name}`

async function mapOf<T>(
  programs: readonly InstalledProgram[],
  which: InstalledProgram['program'],
  read: (program: InstalledProgram) => Promise<T>,
): Promise<Map<string, T>> {
  const some = programs.filter(({ program }) => program === which)
  return new Map(await Promise.all(some.map(async (program): Promise<[string, T]> => [keyOf(program), await read(program)])))
}

/** Pods of an installation's own Deployments in some namespaces which do not work. */
export function failingPodsIn(
  client: Pick<ClusterNamespace['client'], 'list'>,
  namespaces: readonly string[],
): Promise<Seen<PodFact[]>> {
  return seen(async () => {
    const lists = await Promise.all(
      [...new Set(namespaces)].map((namespace) =>
        client.list<KubeObject>(collectionPath(resources.Pod, namespace), { labelSelector: OF_THE_CHART }),
      ),
    )
    return lists.flatMap(({ items }) => items.flatMap(failingPod))
  })
}

/** What is wrong with a pod, as the operator sees it; nothing of one that works or starts. */
export function failingPod(pod: KubeObject): PodFact[] {
  const { namespace, name, problem } = podStateOf(pod)
  return problem ? [{ namespace, name, problem: problem.message }] : []
}

function leaseOf(
  { client }: ClusterNamespace,
  { namespace, name, env }: InstalledProgram,
  serverNow: number,
): Promise<Seen<LeaseFact | undefined>> {
  const key = { namespace: env.LEASE_NAMESPACE ?? namespace, name: env.LEASE_NAME ?? name }
  return seen(async () => {
    const lease = await client.get<LeaderLease>(resources.Lease, key)
    if (!lease?.spec.holderIdentity) return undefined
    const renewedAt = Date.parse(lease.spec.renewTime ?? '')
    return { holder: lease.spec.holderIdentity, ageMs: Number.isNaN(renewedAt) ? undefined : serverNow - renewedAt }
  })
}

/** A lease that was not renewed for so long has no leader behind it. */
export const LEADERLESS_MS = GONE_AFTER_MS / 2

/** Through the API server, so that no address of the provider needs to be reachable from here. */
const answerOf = ({ raw }: ClusterNamespace, { namespace, name }: InstalledProgram): Promise<Seen<number>> =>
  seen(async () => {
    const realms = await readJson(raw, `/api/v1/namespaces/${namespace}/services/${name}:http/proxy/realms`)
    return Array.isArray(realms) ? realms.length : 0
  })

async function relaysOf(programs: readonly InstalledProgram[], { relay }: DoctorProbes): Promise<Map<string, RelayAnswer>> {
  const hosts = [...new Set(programs.flatMap(({ env }) => (env.MOVEMENT_HOST ? [env.MOVEMENT_HOST] : [])))]
  const answers = await Promise.all(
    hosts.map(async (host): Promise<[string, RelayAnswer][]> => {
      const address = readRelayAddress(host)
      return address ? [[host, await relay({ address, isManaged: true })]] : []
    }),
  )
  return new Map(answers.flat())
}

const OURS = 'comms.decentraland.org'
/** The rights that commands of realmctl use, and what for. */
const RIGHTS: readonly { attributes: Record<string, string>; why: string }[] = [
  { attributes: { verb: 'list', group: OURS, resource: 'realms' }, why: 'get, status, doctor' },
  { attributes: { verb: 'list', group: OURS, resource: 'commscells' }, why: 'status, rollout' },
  { attributes: { verb: 'patch', group: OURS, resource: 'realms' }, why: 'scale, rollout' },
  { attributes: { verb: 'patch', group: OURS, resource: 'commscells' }, why: 'cordon, drain' },
  { attributes: { verb: 'list', group: '', resource: 'pods' }, why: 'doctor, report' },
  { attributes: { verb: 'get', group: '', resource: 'pods', subresource: 'log' }, why: 'report' },
  { attributes: { verb: 'list', group: '', resource: 'events' }, why: 'report' },
  { attributes: { verb: 'get', group: '', resource: 'secrets' }, why: 'doctor: the certificate of a realm' },
  { attributes: { verb: 'get', group: '', resource: 'services', subresource: 'proxy' }, why: 'doctor: the realm provider' },
  { attributes: { verb: 'create', group: '', resource: 'pods', subresource: 'portforward' }, why: 'forward' },
  { attributes: { verb: 'create', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' }, why: 'install' },
  { attributes: { verb: 'create', group: 'apps', resource: 'deployments', namespace: USUAL_NAMESPACE }, why: 'install' },
]

/** Asks which of the rights the person has, in the namespace of the context. */
function readRights({ client, namespace }: ClusterNamespace): Promise<Seen<Right[]>> {
  return seen(() =>
    Promise.all(
      RIGHTS.map(async ({ attributes, why }): Promise<Right> => {
        const { verb = '', resource = '', subresource } = attributes
        const has = await isAllowed(client, { namespace, ...attributes })
        return { what: `${verb} ${resource}${subresource ? `/${subresource}` : ''}`, why, has }
      }),
    ),
  )
}
