/** A kind as the API server serves it. */
export interface Resource {
  apiVersion: string
  kind: string
  plural: string
  /** Cluster-wide kinds have no namespace in their path. */
  clusterScoped?: true
}

/** Kinds every cluster has, and those of the Gateway API, which one may lack, with their places in the API. */
export const resources = {
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  StatefulSet: { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' },
  Job: { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' },
  Pod: { apiVersion: 'v1', kind: 'Pod', plural: 'pods' },
  Service: { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  ServiceAccount: { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  Secret: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' },
  PersistentVolumeClaim: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' },
  ConfigMap: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  Namespace: { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', clusterScoped: true },
  Ingress: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses' },
  IngressClass: { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', plural: 'ingressclasses', clusterScoped: true },
  HTTPRoute: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' },
  Gateway: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', plural: 'gateways' },
  NetworkPolicy: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  PodDisruptionBudget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
  Lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' },
  Event: { apiVersion: 'v1', kind: 'Event', plural: 'events' },
  /** The same objects in the API that records them: with series instead of counts. */
  EventV1: { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events' },
  CustomResourceDefinition: {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    clusterScoped: true,
  },
} as const satisfies Record<string, Resource>

/** Path of a kind's objects, of one namespace or of all. */
export function collectionPath({ apiVersion, plural, clusterScoped }: Resource, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  return namespace && !clusterScoped ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`
}

/** Path of one object. */
export const objectPath = (resource: Resource, { namespace, name }: { namespace?: string; name: string }): string =>
  `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`
