import type { ObjectMeta } from '../../../crds/object.ts'

/** A Kubernetes object as we apply it: what we decide, nothing the API server adds. */
export interface KubeManifest {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** A Kubernetes object with a spec of the client library's type. */
export interface ManifestOf<Spec> extends KubeManifest {
  spec: Spec
}

/**
 * A Secret the cluster makes up once and nobody of ours ever reads: created where it is missing, never applied again.
 * Each value is at least 32 random letters and digits and starts with a letter, so that no configuration file takes it for a number.
 */
export interface GeneratedSecret {
  metadata: ObjectMeta
  /** The keys to make up a value for. */
  keys: readonly string[]
  /** The workload that mounts it: while this exists and finds its Secret, the Secret is there. */
  neededBy: { kind: 'StatefulSet' | 'Deployment'; name: string }
}
