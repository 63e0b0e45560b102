import type { KubeClient, KubeQuery } from '../../cells/kube/kube-client.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { childResources } from '../../operator/kubernetes/cache/child.ts'

/** An object with the fields that tests compare. */
export interface Spec extends KubeObject {
  spec?: unknown
  status?: unknown
}

/** The objects of a kind in a namespace; none of a kind that the API server does not serve. */
export async function listOf(
  client: Pick<KubeClient, 'list'>,
  resource: Resource,
  namespace: string,
  query: KubeQuery = {},
): Promise<Spec[]> {
  try {
    return (await client.list<Spec>(collectionPath(resource, namespace), query)).items
  } catch (error) {
    if (isStatus(error, 404)) return []
    throw error
  }
}

/** Requests of users, kubelets and other clients in one namespace. */
export function inNamespace(user: () => KubeClient, namespace: () => string) {
  const declare = (spec: object, name = 'main') =>
    user().apply<Spec>(
      realmResource,
      { apiVersion: API_VERSION, kind: 'Realm', metadata: { name, namespace: namespace() }, spec } as Spec,
      {
        fieldManager: 'user',
        force: true,
      },
    )
  const get = <T extends KubeObject = Spec>(resource: Resource, name: string) =>
    user().get<T>(resource, { namespace: namespace(), name })
  const edit = (resource: Resource, name: string, change: object) =>
    user().apply<Spec>(
      resource,
      { apiVersion: resource.apiVersion, kind: resource.kind, metadata: { name, namespace: namespace() }, ...change },
      {
        fieldManager: 'another-editor',
        force: true,
      },
    )
  const list = (resource: Resource) => listOf(user(), resource, namespace())
  const names = async () => {
    const all = await Promise.all(
      Object.values(childResources).map(async (resource) =>
        (await list(resource)).map(({ metadata }) => `${resource.kind} ${metadata.name}`),
      ),
    )
    return all.flat().sort()
  }
  const versions = async () => {
    const all = await Promise.all(Object.values(childResources).map(list))
    return Object.fromEntries(all.flat().map(({ metadata }) => [metadata.uid, metadata.resourceVersion]))
  }
  const realmOf = async (name = 'main') => (await get<Realm & KubeObject>(realmResource, name)) as Realm
  /** Writes the status of workloads as controllers would once all pods run. */
  const runPods = async () => {
    for (const resource of [resources.Deployment, resources.StatefulSet]) {
      for (const { metadata, spec } of await list(resource)) {
        const { replicas } = spec as { replicas: number }
        const status = { observedGeneration: metadata.generation, replicas, readyReplicas: replicas, updatedReplicas: replicas }
        const body = {
          apiVersion: resource.apiVersion,
          kind: resource.kind,
          metadata: { name: metadata.name, namespace: namespace() },
          status,
        }
        await user().apply<Spec>(resource, body, { fieldManager: 'kubelet', force: true, subresource: 'status' })
      }
    }
  }
  return { declare, get, edit, names, versions, realmOf, runPods }
}
