import { isIP } from 'node:net'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import { API_VERSION } from '../../../crds/realm.ts'
import { cellResource, type Kind } from '../../../crds/resources.ts'
import { type ChallengePath, challengePathsOf, type Ingress } from '../../desired/manifests/ingress.ts'
import { COMPONENT_LABEL, IMAGE_ANNOTATION, MANAGER, TEMPLATE_ANNOTATION } from '../../desired/naming.ts'
import type { LoadBalancerState } from '../../observed/load-balancer.ts'
import type { RouteState } from '../../observed/route.ts'
import type { Component, WorkloadImage } from '../../observed/workload.ts'
import { liveFingerprint } from '../fingerprint.ts'
import { isManagedByOthers } from '../managed-fields.ts'
import { httpRouteState, ingressState } from './route-state.ts'

/** The kinds the operator creates for a realm or a cell; cells are children of realms. */
export const childResources = {
  CommsCell: cellResource,
  Deployment: resources.Deployment,
  StatefulSet: resources.StatefulSet,
  Job: resources.Job,
  Service: resources.Service,
  ServiceAccount: resources.ServiceAccount,
  PodDisruptionBudget: resources.PodDisruptionBudget,
  NetworkPolicy: resources.NetworkPolicy,
  Ingress: resources.Ingress,
  HTTPRoute: resources.HTTPRoute,
  PersistentVolumeClaim: resources.PersistentVolumeClaim,
  ConfigMap: resources.ConfigMap,
} as const satisfies Record<string, Resource>
/** A kind the operator creates. */
export type ChildKind = keyof typeof childResources

/** Kinds that a cluster may lack: nothing is created there that needs them. */
export const OPTIONAL_KINDS: ReadonlySet<ChildKind> = new Set<ChildKind>(['HTTPRoute'])

/** Whether the operator may apply and remove objects of this kind. */
export const isChildKind = (kind: string): kind is ChildKind => Object.hasOwn(childResources, kind)

/** What the cache keeps of an object the operator created: its owner, whether it needs a write, and the state of its pods. */
export interface Child {
  kind: ChildKind
  namespace: string
  name: string
  uid: string
  resourceVersion: string
  owner: { kind: Kind; name: string; uid: string } | undefined
  /** Of the fields the operator applied, with their current values. */
  fingerprint: string
  deleting: boolean
  workload: WorkloadState | undefined
  /** Of a cell: whether another client sets the number of its connectors. */
  scaledByOthers: boolean
  /** Of an Ingress: the paths that cert-manager added to it. */
  challengePaths?: readonly ChallengePath[]
  /** Of an Ingress: those it routes. */
  hosts?: readonly string[]
  /** Of an Ingress or an HTTPRoute: what its controller has answered. */
  route?: RouteState
  /** Of a Service of type LoadBalancer. */
  balancer?: LoadBalancerState
}

/** The pods of a Deployment, StatefulSet or Job; a Job that has succeeded counts as ready. */
export interface WorkloadState {
  component: Component
  desired: number
  current: number
  updated: number
  ready: number
  /** Why the API server refuses its pods; undefined while it does not. */
  refused: string | undefined
  /** The fingerprint of its pod template that the operator applied. */
  template: string | undefined
  image: WorkloadImage | undefined
}

/** `Kind/namespace/name`. */
export const childKey = ({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string =>
  `${kind}/${namespace}/${name}`

/** Reduces a live object to what the cache keeps. */
export function childOf(kind: ChildKind, live: KubeObject): Child {
  const { name, namespace = '', uid = '', resourceVersion = '', ownerReferences, deletionTimestamp } = live.metadata
  const owner = ownerReferences?.find((reference) => reference.controller && reference.apiVersion === API_VERSION)
  return {
    kind,
    namespace,
    name,
    uid,
    resourceVersion,
    scaledByOthers: kind === 'CommsCell' && isManagedByOthers(live, MANAGER, ['spec', 'connectors', 'replicas']),
    owner:
      owner && (owner.kind === 'Realm' || owner.kind === 'CommsCell')
        ? { kind: owner.kind, name: owner.name, uid: owner.uid }
        : undefined,
    fingerprint: liveFingerprint(live),
    deleting: deletionTimestamp !== undefined,
    ...(kind === 'Ingress' && {
      challengePaths: challengePathsOf(live as unknown as Ingress),
      hosts: hostsOf(live as unknown as Ingress),
      route: ingressState(live, MANAGER),
    }),
    ...(kind === 'HTTPRoute' && { route: httpRouteState(live, MANAGER) }),
    ...(kind === 'Service' && balancerOf(live)),
    workload: kind === 'Job' ? jobOf(live) : kind === 'Deployment' || kind === 'StatefulSet' ? workloadOf(live) : undefined,
  }
}

const hostsOf = ({ spec }: Ingress): string[] => (spec?.rules ?? []).flatMap(({ host }) => host ?? [])

/** An IPv6 address that stands for an IPv4 one, or is that of a link: LiveKit does not start with them. */
const OF_NO_FAMILY = /%|:.*\./

interface LiveService extends KubeObject {
  spec?: { type?: string }
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
}

/** One that is of another type by now may still have the status of the load balancer. */
function balancerOf({ spec, status }: LiveService): Pick<Child, 'balancer'> {
  if (spec?.type !== 'LoadBalancer') return {}
  const ingress = status?.loadBalancer?.ingress ?? []
  const addresses = ingress.flatMap(({ ip = '' }) => (isIP(ip) && !OF_NO_FAMILY.test(ip) ? ip : []))
  const hostName = ingress.find(({ hostname }) => hostname)?.hostname
  return { balancer: { addresses, ...(hostName && addresses.length === 0 && { hostName }) } }
}

interface LiveWorkload extends KubeObject {
  spec?: { replicas?: number }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    conditions?: { type: string; status: string; message?: string }[]
  }
}

function workloadOf({ metadata, spec, status }: LiveWorkload): WorkloadState {
  // Until the controller has observed the current template, its numbers are about the previous one.
  const isCurrent = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  const current = isCurrent ? (status?.updatedReplicas ?? 0) : 0
  const ready = status?.readyReplicas ?? 0
  const total = Math.max(status?.replicas ?? 0, current, ready)
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  return {
    component: (metadata.labels?.[COMPONENT_LABEL] ?? '') as Component,
    desired: spec?.replicas ?? 1,
    current,
    // The controller does not say which pods are ready: those that are not are taken for pods of the current template.
    updated: Math.max(0, ready - (total - current)),
    ready,
    refused: failure?.status === 'True' ? failure.message : undefined,
    ...madeWithOf(metadata),
  }
}

function madeWithOf({ annotations = {} }: KubeObject['metadata']): Pick<WorkloadState, 'template' | 'image'> {
  return { template: annotations[TEMPLATE_ANNOTATION], image: imageIn(annotations[IMAGE_ANNOTATION]) }
}

/** Undefined where another client wrote something else: the workload then gets what the installation says. */
function imageIn(text: string | undefined): WorkloadImage | undefined {
  try {
    const { version, image, pullPolicy } = JSON.parse(text ?? '{}') as Partial<WorkloadImage>
    const isWhole = typeof version === 'string' && typeof image === 'string' && PULL_POLICIES.includes(pullPolicy as string)
    return isWhole ? { version, image, pullPolicy: pullPolicy as WorkloadImage['pullPolicy'] } : undefined
  } catch {
    return undefined
  }
}
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

function jobOf({ metadata, status }: KubeObject & { status?: { succeeded?: number } }): WorkloadState {
  const done = Math.min(status?.succeeded ?? 0, 1)
  const component = (metadata.labels?.[COMPONENT_LABEL] ?? '') as Component
  // Its template never changes.
  return { component, desired: 1, current: 1, updated: done, ready: done, refused: undefined, ...madeWithOf(metadata) }
}

/** Whether the owner of a child must be reconciled after this change of it. */
export const childDiffers = (a: Child, b: Child): boolean =>
  a.uid !== b.uid ||
  a.fingerprint !== b.fingerprint ||
  a.deleting !== b.deleting ||
  a.challengePaths?.length !== b.challengePaths?.length ||
  JSON.stringify(a.route) !== JSON.stringify(b.route) ||
  JSON.stringify(a.balancer) !== JSON.stringify(b.balancer) ||
  a.owner?.uid !== b.owner?.uid ||
  a.workload?.desired !== b.workload?.desired ||
  a.workload?.current !== b.workload?.current ||
  a.workload?.updated !== b.workload?.updated ||
  a.workload?.ready !== b.workload?.ready ||
  a.workload?.refused !== b.workload?.refused
