import type { KubeObject } from '../../cells/kube/kube-object.ts'
import type { Resource } from '../../cells/kube/resources.ts'
import type { ClusterNamespace } from './cluster.ts'

const AccessReview: Resource = {
  ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews' },
  clusterScoped: true,
}

/** Whether the person may do something, as the API server says. @param attributes verb, group, resource and so on */
export async function isAllowed(
  client: Pick<ClusterNamespace['client'], 'create'>,
  attributes: Readonly<Record<string, string>>,
): Promise<boolean> {
  const review = {
    ...{ apiVersion: AccessReview.apiVersion, kind: AccessReview.kind, metadata: {} as KubeObject['metadata'] },
    spec: { resourceAttributes: attributes },
  }
  const { status } = (await client.create(AccessReview, review)) as { status?: { allowed?: boolean } }
  return status?.allowed === true
}
