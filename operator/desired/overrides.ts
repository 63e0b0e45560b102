import type { V1PodSpec } from '@kubernetes/client-node'
import type { RealmSpec } from '../../crds/realm.ts'

/** What pods carry besides what we decide. */
export type Pods = NonNullable<RealmSpec['pods']>

/** Two layers as one: of maps and lists both, of anything else the upper. */
export function mergePods(base: Pods | undefined, upper: Pods | undefined): Pods | undefined {
  if (!base || !upper) return upper ?? base
  return {
    ...base,
    ...upper,
    ...(base.labels && { labels: { ...base.labels, ...upper.labels } }),
    ...(base.annotations && { annotations: { ...base.annotations, ...upper.annotations } }),
    ...(base.nodeSelector && { nodeSelector: { ...base.nodeSelector, ...upper.nodeSelector } }),
    ...(base.tolerations && { tolerations: [...base.tolerations, ...(upper.tolerations ?? [])] }),
    ...(base.imagePullSecrets && { imagePullSecrets: pullSecretsOf(base, upper) }),
  }
}

// The API server keeps one of each name, so naming one twice would look like a change for ever.
const pullSecretsOf = (...layers: Pods[]): { name: string }[] =>
  [...new Set(layers.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets.map(({ name }) => name)))].map((name) => ({ name }))

/** The part of them that belongs into the spec of a pod; labels and annotations belong into its metadata. */
export function podFieldsOf({
  nodeSelector,
  tolerations,
  affinity,
  imagePullSecrets,
  priorityClassName,
}: Pods): Partial<V1PodSpec> {
  return {
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(affinity && { affinity }),
    ...(imagePullSecrets && { imagePullSecrets }),
    ...(priorityClassName !== undefined && { priorityClassName }),
  }
}
