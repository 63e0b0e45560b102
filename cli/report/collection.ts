import { stringify } from 'yaml'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import type { ObjectKey } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { REALM_LABEL } from '../../operator/desired/naming.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import { installedPrograms, OF_THE_CHART } from '../cluster/installation.ts'
import { type Seen, seen, seenValue } from '../cluster/seen.ts'

/** The files of a report, and what could not be had, each with its reason. */
export interface Collection {
  texts: Map<string, string>
  missing: { what: string; why: string }[]
}

export interface CollectionLimits {
  /** Milliseconds since an arbitrary start, at which the collection ends with what it has. */
  endsAt: number
  now(): number
  /** Of all files together. */
  maxBytes: number
}

/** Kinds of which the objects of a realm are collected. Secrets are not among them. */
const KINDS = {
  deployments: resources.Deployment,
  statefulsets: resources.StatefulSet,
  jobs: resources.Job,
  pods: resources.Pod,
  services: resources.Service,
  ingresses: resources.Ingress,
  httproutes: resources.HTTPRoute,
  networkpolicies: resources.NetworkPolicy,
  poddisruptionbudgets: resources.PodDisruptionBudget,
  persistentvolumeclaims: resources.PersistentVolumeClaim,
  configmaps: resources.ConfigMap,
} satisfies Record<string, Resource>

const LOG_LINES = 1_000
const LOG_BYTES = 256 * 1024
const MAX_LOGS = 80
/** The API server's record of who wrote which field, and a copy of the object in an annotation, are longer than the object. */
const COPY = 'kubectl.kubernetes.io/last-applied-configuration'

interface LoggingPod extends KubeObject {
  spec?: { containers?: { name: string }[]; initContainers?: { name: string }[] }
  status?: { containerStatuses?: { name: string; restartCount?: number }[] }
}

/** Reads the objects, Events and logs of a realm and of its operator. */
export async function collect(cluster: ClusterNamespace, realm: Realm, limits: CollectionLimits): Promise<Collection> {
  const { name, namespace } = realm.metadata
  const collection: Collection = { texts: new Map(), missing: [] }
  const add = adder(collection, limits)
  add('objects/realm.yaml', asYaml([realm as unknown as KubeObject]))
  const list = (resource: Resource, where: string, labelSelector?: string) =>
    seen(async () => {
      const query = labelSelector === undefined ? {} : { labelSelector }
      const { items } = await cluster.client.list<KubeObject>(collectionPath(resource, where), query)
      return items.map((item) => ({ ...item, apiVersion: resource.apiVersion, kind: resource.kind }))
    })
  const ofRealm = `${REALM_LABEL}=${name}`
  const lists = await Promise.all([
    list(cellResource, namespace, ofRealm).then((items) => ['commscells', items] as const),
    ...Object.entries(KINDS).map(async ([plural, resource]) => [plural, await list(resource, namespace, ofRealm)] as const),
    list(resources.Event, namespace).then((items) => ['events', eventsOf(name, items)] as const),
  ])
  const { type, gateway } = realm.spec.exposure
  const ofGateway = gateway
    ? [['gateway', await gatewayOf(cluster, { ...gateway, namespace: gateway.namespace ?? namespace })] as const]
    : []
  for (const [plural, items] of [...lists, ...ofGateway]) {
    // A cluster may have no Gateway API.
    if (plural === 'httproutes' && type !== 'Gateway' && (seenValue(items) ?? []).length === 0) continue
    if ('unseen' in items) collection.missing.push({ what: plural, why: items.unseen })
    else add(`objects/${plural}.yaml`, asYaml(items.value))
  }
  const pods = lists.find(([plural]) => plural === 'pods')?.[1]
  const own = pods && seenValue(pods)
  const programs = seenValue(await installedPrograms(cluster)) ?? []
  const spaces = [...new Set(programs.map((program) => program.namespace))]
  const others = await Promise.all(spaces.map((where) => list(resources.Pod, where, OF_THE_CHART)))
  await readLogs(cluster, [...(own ?? []), ...others.flatMap((each) => seenValue(each) ?? [])], collection, add, limits)
  return collection
}

/** The Gateway of a realm, which may be in another namespace and belong to other people. */
const gatewayOf = ({ client }: ClusterNamespace, key: ObjectKey): Promise<Seen<KubeObject[]>> =>
  seen(async () => {
    const found = await client.get<KubeObject>(resources.Gateway, key)
    return found ? [found] : []
  })

/** Those of objects with names that begin with the name of the realm: others in the namespace are none of its business. */
function eventsOf(realm: string, events: Seen<KubeObject[]>): Seen<KubeObject[]> {
  if ('unseen' in events) return events
  const isOfRealm = ({ involvedObject }: { involvedObject?: { name?: string } }) =>
    involvedObject?.name === realm ||
    (/^[-.]/.test(involvedObject?.name?.slice(realm.length) ?? '') && involvedObject?.name?.startsWith(realm) === true)
  return { value: events.value.filter((event) => isOfRealm(event as { involvedObject?: { name?: string } })) }
}

type Add = (path: string, text: string) => void

/** Adds a file unless the report would become too large. */
export function adder({ texts, missing }: Collection, { maxBytes }: Pick<CollectionLimits, 'maxBytes'>): Add {
  let bytes = [...texts.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return (path, text) => {
    const size = Buffer.byteLength(text)
    if (bytes + size <= maxBytes) {
      bytes += size
      texts.set(path, text)
    } else {
      missing.push({ what: path, why: `the report would be larger than ${maxBytes / 1024 / 1024} MiB` })
    }
  }
}

const asYaml = (objects: readonly KubeObject[]): string => objects.map((object) => stringify(tidied(object))).join('---\n')

function tidied(object: KubeObject): object {
  const {
    managedFields: _,
    annotations = {},
    ...metadata
  } = object.metadata as KubeObject['metadata'] & { managedFields?: unknown }
  const { [COPY]: __, ...kept } = annotations
  return withoutSecrets({
    ...object,
    metadata: { ...metadata, ...(Object.keys(kept).length > 0 && { annotations: kept }) },
  }) as object
}

const SECRET_NAME = /(password|passwd|secret|token|api_?key|private_?key|credentials?|authorization)$/i

/** Variables of containers may be secrets that a person wrote into the Realm; their names tell. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  const { name, value: inside } = value as { name?: unknown; value?: unknown }
  const isSecret = typeof name === 'string' && typeof inside === 'string' && SECRET_NAME.test(name)
  const entries = Object.entries(value).map(([key, each]) => [key, withoutSecrets(each)] as const)
  return { ...Object.fromEntries(entries), ...(isSecret && { value: 'REDACTED' }) }
}

/** The last lines of each container, and of the one before where it restarted. */
async function readLogs(
  { raw }: ClusterNamespace,
  pods: readonly KubeObject[],
  { missing }: Collection,
  add: Add,
  { endsAt, now }: CollectionLimits,
): Promise<void> {
  const wanted = (pods as readonly LoggingPod[]).flatMap(({ metadata: { namespace = '', name }, spec, status }) =>
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ name: container }) => {
      const restarts = status?.containerStatuses?.find((each) => each.name === container)?.restartCount ?? 0
      const of = { namespace, name, container }
      return [{ ...of, previous: false }, ...(restarts > 0 ? [{ ...of, previous: true }] : [])]
    }),
  )
  for (const [index, { namespace, name, container, previous }] of wanted.entries()) {
    const what = `logs/${namespace}/${name}/${container}${previous ? '.previous' : ''}.log`
    const leftMs = endsAt - now()
    if (index >= MAX_LOGS || leftMs <= 0) {
      missing.push({ what, why: index >= MAX_LOGS ? `only ${MAX_LOGS} logs are read` : 'the time was over' })
      continue
    }
    const query = new URLSearchParams({
      container,
      tailLines: String(LOG_LINES),
      limitBytes: String(LOG_BYTES),
      timestamps: 'true',
    })
    if (previous) query.set('previous', 'true')
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`
    const log = await seen(() => raw.read(path, { timeoutMs: Math.min(leftMs, 10_000), maxBytes: 2 * LOG_BYTES }))
    if ('unseen' in log) missing.push({ what, why: log.unseen })
    else add(what, log.value.text)
  }
}
