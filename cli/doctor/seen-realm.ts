import { resolve4, resolve6 } from 'node:dns/promises'
import { isIP } from 'node:net'
import type {
  V1Deployment,
  V1Ingress,
  V1IngressClass,
  V1Namespace,
  V1NetworkPolicy,
  V1ResourceQuota,
} from '@kubernetes/client-node'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { readRelayAddress } from '../../cells/wire/relay-address.ts'
import type { Realm } from '../../crds/realm.ts'
import { REALM_LABEL } from '../../operator/desired/naming.ts'
import type { Certificate } from '../../operator/observed/certificate.ts'
import type { RelayAnswer } from '../../operator/observed/relay-state.ts'
import type { CertificateProbe } from '../../operator/observers/dependencies/certificate-probe.ts'
import { type ClusterNamespace, realmNamed } from '../cluster/cluster.ts'
import { type Seen, seen } from '../cluster/seen.ts'
import { type DoctorProbes, failingPod, type PodFact } from './cluster-facts.ts'
import type { Gateway, GatewayFacts } from './gateway-checks.ts'
import { type LivekitFacts, readLivekit } from './livekit-checks.ts'
import type { MediaProbe } from './media-probe.ts'

/** What the doctor of a realm asks besides the API server. */
export interface RealmProbes extends DoctorProbes {
  /** What the server at a host presents to players. */
  certificate: CertificateProbe
  /** Requests JSON. */
  fetch(url: string): Promise<FetchResult>
  /** The addresses of a host; none where its name is not known. */
  resolve(host: string): Promise<string[]>
  media: MediaProbe
}

/** The addresses of both families that a name has. */
export async function lookUp(host: string): Promise<string[]> {
  if (isIP(host)) return [host]
  const found = await Promise.allSettled([resolve4(host), resolve6(host)])
  return found.flatMap((family) => (family.status === 'fulfilled' ? family.value : []))
}

/** The public address of a realm as this machine sees it. */
export interface PublicFacts {
  /** Base URL. */
  url: string
  host: string
  addresses: string[]
  /** Absent where players do not use HTTPS at its usual port. */
  certificate?: Certificate
  /** What `/about` answers there. */
  about: FetchResult
}

/** Everything that the checks of a realm depend on. */
export interface SeenRealm {
  realm: Realm
  pods: Seen<PodFact[]>
  /** Refusals of pods, as the Deployments tell them. */
  refusals: Seen<PodFact[]>
  namespace: Seen<V1Namespace | undefined>
  ingressClasses: Seen<V1IngressClass[]>
  ingress: Seen<V1Ingress | undefined>
  /** Absent where the realm is at no Gateway. */
  gateway?: GatewayFacts
  /** PEM certificates of the Secret with that of the host; undefined where there is no such Secret. */
  certificateSecret: Seen<string | undefined>
  policies: Seen<V1NetworkPolicy[]>
  quotas: Seen<V1ResourceQuota[]>
  /** Absent where the realm has no public address. */
  published?: PublicFacts
  /** What its movement relay answers from this machine; absent without one. */
  relay?: { host: string; answer: RelayAnswer }
  /** What its LiveKit answers from this machine; absent where players outside the cluster reach none that is Managed. */
  livekit?: LivekitFacts
}

const QuotaResource: Resource = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' }

/** Reads what the checks of a realm depend on. @throws UserError 1 where there is no such Realm */
export async function readRealm(cluster: ClusterNamespace, name: string, probes: RealmProbes): Promise<SeenRealm> {
  const realm = await realmNamed(cluster, name)
  const { client } = cluster
  const { namespace } = realm.metadata
  const ofRealm = { labelSelector: `${REALM_LABEL}=${name}` }
  const list = <T>(resource: Resource, query = {}) =>
    seen(async () => (await client.list<T>(collectionPath(resource, namespace), query)).items)
  const get = <T>(resource: Resource, of: string) =>
    seen(async () => (await client.get<KubeObject>(resource, { namespace, name: of })) as (T & KubeObject) | undefined)
  const { tlsSecretName } = realm.spec.exposure
  const gatewayOf = async (): Promise<GatewayFacts | undefined> => {
    const { type, gateway: { name: of = '', namespace: where = namespace } = {} } = realm.spec.exposure
    if (type !== 'Gateway') return undefined
    const found = seen(() => client.get<Gateway>(resources.Gateway, { namespace: where, name: of }))
    const [gateway, routes] = await Promise.all([found, list<KubeObject>(resources.HTTPRoute, ofRealm)])
    return { gateway, routes }
  }
  const [published, relay, livekit, gateway, pods, deployments, itsNamespace, ingressClasses, ingress, secret, policies, quotas] =
    await Promise.all([
      publishedOf(realm, probes),
      relayOf(realm, probes),
      readLivekit(realm, probes),
      gatewayOf(),
      list<KubeObject>(resources.Pod, ofRealm),
      list<V1Deployment>(resources.Deployment, ofRealm),
      get<V1Namespace>(resources.Namespace, namespace),
      list<V1IngressClass>(resources.IngressClass),
      get<V1Ingress>(resources.Ingress, name),
      tlsSecretName ? get<{ data?: Record<string, string> }>(resources.Secret, tlsSecretName) : { value: undefined },
      list<V1NetworkPolicy>(resources.NetworkPolicy),
      list<V1ResourceQuota>(QuotaResource),
    ])
  return {
    realm,
    pods: mapped(pods, (items) => items.flatMap(failingPod)),
    refusals: mapped(deployments, (items) => items.flatMap(refusalsOf)),
    namespace: itsNamespace,
    ingressClasses,
    ingress,
    certificateSecret: mapped(secret, (object) => object && Buffer.from(object.data?.['tls.crt'] ?? '', 'base64').toString()),
    policies,
    quotas,
    ...(published && { published }),
    ...(relay && { relay }),
    ...(livekit && { livekit }),
    ...(gateway && { gateway }),
  }
}

const mapped = <T, U>(what: Seen<T>, change: (value: T) => U): Seen<U> =>
  'unseen' in what ? what : { value: change(what.value) }

const refusalsOf = ({ metadata, status }: V1Deployment): PodFact[] =>
  (status?.conditions ?? [])
    .filter(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True')
    .map(({ message = '' }) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', problem: message }))

/** The host of an Ingress, or the URL of a route of the user's. */
async function publishedOf(realm: Realm, { certificate, fetch, resolve }: RealmProbes): Promise<PublicFacts | undefined> {
  const { gatekeeper } = realm.status?.urls ?? {}
  const { type, host, url } = realm.spec.exposure
  const isAtHost = host !== undefined || (type === 'LoadBalancer' && realm.status?.loadBalancer !== undefined)
  const base = url ?? (isAtHost && gatekeeper ? gatekeeper.replace(/\/gatekeeper$/, '') : undefined)
  const parsed = base === undefined ? null : URL.parse(base)
  if (!base || !parsed) return undefined
  const name = parsed.hostname.replace(/^\[|\]$/g, '')
  const hasTls = parsed.protocol === 'https:' && parsed.port === ''
  const [addresses, presented, about] = await Promise.all([
    resolve(name),
    hasTls ? certificate(name) : undefined,
    fetch(`${base}/about`),
  ])
  return { url: base, host: name, addresses, about, ...(presented && { certificate: presented }) }
}

async function relayOf({ status }: Realm, { relay }: RealmProbes): Promise<SeenRealm['relay']> {
  const host = status?.movement?.host
  const address = host === undefined ? undefined : readRelayAddress(host)
  return host !== undefined && address ? { host, answer: await relay({ address, isManaged: true }) } : undefined
}
