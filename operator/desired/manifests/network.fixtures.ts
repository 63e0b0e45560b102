import type { V1LabelSelector, V1PodTemplateSpec } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { planCell, planRealm } from '../plan.ts'
import { platform, site } from '../realm.fixtures.ts'
import { planWorld } from '../world-plan.ts'
import type { KubeManifest } from './kube-manifest.ts'
import type { Service } from './kube-service.ts'
import { type NetworkPolicy, networkPolicies } from './networkpolicy.ts'
import { cellObjects, realmObjects } from './objects.ts'

/** One end of a connection: a pod, or an address outside the cluster. */
export interface NetworkEnd {
  name: string
  /** Undefined = outside the cluster. */
  namespace?: string
  labels: Readonly<Record<string, string>>
  /** Container ports by name. */
  ports: Readonly<Record<string, number>>
  env: Readonly<Record<string, string>>
}

/** An end that belongs to no realm. */
export const anEnd = (name: string, namespace?: string, labels = {}): NetworkEnd => ({
  name,
  labels,
  ports: {},
  env: {},
  ...(namespace && { namespace }),
})

/** The pods, Services and allowed connections of a realm. */
export interface Network {
  /** Its pods by component, and its Services by name, as they are rendered. */
  pods: Readonly<Record<string, NetworkEnd>>
  services: Readonly<Record<string, Service['spec']>>
  /** Whether the NetworkPolicies allow a connection, by the rules of the Kubernetes API. */
  mayReach(from: NetworkEnd, to: NetworkEnd, port: number, protocol?: 'TCP' | 'UDP'): boolean
}

/** The network of a City with one cell, or of a World. */
export function networkOf(realm: Realm): Network {
  const plan = (isWorldRealm(realm) ? planWorld : planRealm)(realm, { cells: [], services: [] }, site)
  const objects: KubeManifest[] = [
    ...realmObjects(realm, plan, platform),
    ...plan.cells.flatMap((cell) => cellObjects(cell, planCell(cell), platform)),
  ]
  const policies = networkPolicies(realm, platform, plan.cells)
  const pods = objects.flatMap((object) => {
    const { template } = (object as { spec?: { template?: V1PodTemplateSpec } }).spec ?? {}
    return template ? [endOf(template, realm.metadata.namespace)] : []
  })
  const services = objects.flatMap((object) =>
    object.kind === 'Service' ? [[object.metadata.name, (object as Service).spec] as const] : [],
  )
  return {
    pods: Object.fromEntries(pods.map((pod) => [pod.name, pod])),
    services: Object.fromEntries(services),
    mayReach: (from, to, port, protocol = 'TCP') =>
      allows(policies, from, 'Egress', to, port, protocol) && allows(policies, to, 'Ingress', from, port, protocol),
  }
}

function endOf({ metadata, spec }: V1PodTemplateSpec, namespace: string): NetworkEnd {
  const labels = metadata?.labels ?? {}
  const [container] = spec?.containers ?? []
  const ports = container?.ports?.map(({ name = '', containerPort }) => [name, containerPort]) ?? []
  const env = container?.env?.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? []
  const name = labels['app.kubernetes.io/component'] ?? ''
  return { name, namespace, labels, ports: Object.fromEntries(ports), env: Object.fromEntries(env) }
}

/** Whether the policies that select one end of a connection allow the other end; an end that no policy selects allows everything. */
function allows(
  policies: readonly NetworkPolicy[],
  end: NetworkEnd,
  direction: 'Ingress' | 'Egress',
  other: NetworkEnd,
  port: number,
  protocol: string,
): boolean {
  const applying = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === end.namespace && spec.policyTypes.includes(direction) && isSelected(end.labels, spec.podSelector),
  )
  if (applying.length === 0) return true
  return applying.some(({ metadata, spec }) => {
    const rules =
      direction === 'Ingress'
        ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
    return rules.some(
      ({ peers, ports }) =>
        (!ports || ports.some((each) => each.port === port && (each.protocol ?? 'TCP') === protocol)) &&
        (!peers || peers.some((peer) => isPeer(other, peer, metadata.namespace))),
    )
  })
}

function isPeer(
  { namespace, labels }: NetworkEnd,
  { podSelector, namespaceSelector }: { podSelector?: V1LabelSelector; namespaceSelector?: V1LabelSelector },
  home: string,
): boolean {
  if (namespace === undefined) return false // no selector matches an address outside the cluster
  const isThere = namespaceSelector
    ? isSelected({ 'kubernetes.io/metadata.name': namespace }, namespaceSelector)
    : namespace === home
  return isThere && isSelected(labels, podSelector)
}

function isSelected(
  labels: Readonly<Record<string, string>>,
  { matchLabels = {}, matchExpressions = [] }: V1LabelSelector = {},
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`the operator writes no selector with ${operator}`)
      return values.includes(labels[key] ?? '')
    })
  )
}
