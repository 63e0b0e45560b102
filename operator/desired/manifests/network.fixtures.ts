import type { V1LabelSelector, V1PodTemplateSpec } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { platform, site } from '../fixtures.ts'
import { planCell, planRealm } from '../plan.ts'
import type { KubeManifest } from './manifest.ts'
import { type NetworkPolicy, networkPolicies } from './networkpolicy.ts'
import { cellObjects, realmObjects } from './objects.ts'
import type { Service } from './service.ts'

/** Somebody who speaks or is spoken to: a pod, or an address outside the cluster. */
export interface Party {
  name: string
  /** Nothing = not in the cluster. */
  namespace?: string
  labels: Readonly<Record<string, string>>
  /** Container ports by name. */
  ports: Readonly<Record<string, number>>
  env: Readonly<Record<string, string>>
}

/** Somebody of no realm. */
export const aParty = (name: string, namespace?: string, labels = {}): Party => ({
  name,
  labels,
  ports: {},
  env: {},
  ...(namespace && { namespace }),
})

/** A realm as a network sees it. */
export interface Network {
  /** Its pods by component, and its Services by name, as they are rendered. */
  pods: Readonly<Record<string, Party>>
  services: Readonly<Record<string, Service['spec']>>
  /** Whether a party may open a connection, judged as any implementation of NetworkPolicies has to. */
  mayReach(from: Party, to: Party, port: number, protocol?: 'TCP' | 'UDP'): boolean
}

/** Everything of a realm with one cell. */
export function networkOf(realm: Realm): Network {
  const plan = planRealm(realm, { cells: [], services: [] }, site)
  const objects: KubeManifest[] = [
    ...realmObjects(realm, plan, platform),
    ...plan.cells.flatMap((cell) => cellObjects(cell, planCell(cell), platform)),
  ]
  const policies = networkPolicies(realm, platform)
  const pods = objects.flatMap((object) => {
    const { template } = (object as { spec?: { template?: V1PodTemplateSpec } }).spec ?? {}
    return template ? [partyOf(template, realm.metadata.namespace)] : []
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

function partyOf({ metadata, spec }: V1PodTemplateSpec, namespace: string): Party {
  const labels = metadata?.labels ?? {}
  const [container] = spec?.containers ?? []
  const ports = container?.ports?.map(({ name = '', containerPort }) => [name, containerPort]) ?? []
  const env = container?.env?.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? []
  const name = labels['app.kubernetes.io/component'] ?? ''
  return { name, namespace, labels, ports: Object.fromEntries(ports), env: Object.fromEntries(env) }
}

/** Whether what applies to one end of a connection lets the other end through; where nothing applies, everything goes. */
function allows(
  policies: readonly NetworkPolicy[],
  end: Party,
  direction: 'Ingress' | 'Egress',
  other: Party,
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
  { namespace, labels }: Party,
  { podSelector, namespaceSelector }: { podSelector?: V1LabelSelector; namespaceSelector?: V1LabelSelector },
  home: string,
): boolean {
  if (namespace === undefined) return false // no selector finds who is not in the cluster
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
      if (operator !== 'In') throw new Error(`nothing of ours selects by ${operator}`)
      return values.includes(labels[key] ?? '')
    })
  )
}
