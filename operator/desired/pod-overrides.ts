import type { V1EnvVar, V1PodSpec } from '@kubernetes/client-node'
import type { RealmSpec } from '../../crds/realm.ts'

/** Pod fields that users set: labels, tolerations, affinity and the like. */
export type Pods = NonNullable<RealmSpec['pods']>

/** Merges two layers: maps and lists are joined, of any other field the upper layer wins. */
export function mergePods(base: Pods | undefined, upper: Pods | undefined): Pods | undefined {
  if (!base || !upper) return upper ?? base
  return {
    ...base,
    ...upper,
    ...(base.labels && { labels: { ...base.labels, ...upper.labels } }),
    ...(base.annotations && { annotations: { ...base.annotations, ...upper.annotations } }),
    ...(base.nodeSelector && { nodeSelector: { ...base.nodeSelector, ...upper.nodeSelector } }),
    ...(base.tolerations && { tolerations: [...base.tolerations, ...(upper.tolerations ?? [])] }),
    ...(base.env && { env: [...new Map([...base.env, ...(upper.env ?? [])].map((each) => [each.name, each])).values()] }),
    ...(base.imagePullSecrets && { imagePullSecrets: pullSecretsOf(base, upper) }),
  }
}

// Server-side apply refuses a pod that names a Secret twice.
const pullSecretsOf = (...layers: Pods[]): { name: string }[] =>
  [...new Set(layers.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets.map(({ name }) => name)))].map((name) => ({ name }))

/** The fields that belong into the spec of a pod; labels and annotations belong into its metadata. */
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
    ...(imagePullSecrets && { imagePullSecrets: pullSecretsOf({ imagePullSecrets }) }),
    ...(priorityClassName !== undefined && { priorityClassName }),
  }
}

/** The variables of every container of a pod that the user set. */
export const podEnvironmentOf = ({ env = [] }: Pods): V1EnvVar[] =>
  env.map(({ name, value, secret }) =>
    secret ? { name, valueFrom: { secretKeyRef: { name: secret.name, key: secret.key } } } : { name, value: value ?? '' },
  )
