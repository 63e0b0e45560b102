import type { ObjectMeta } from '../../../crds/object.ts'
import type { Component } from '../../observed/workload.ts'

/** A Kubernetes object as the operator applies it: only fields it sets, none that the API server adds. */
export interface KubeManifest {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** A Kubernetes object with a spec of the client library's type. */
export interface ManifestOf<Spec> extends KubeManifest {
  spec: Spec
}

/** A Secret as the operator creates it, where there is none of its name. */
export interface CreatedSecret {
  metadata: ObjectMeta
  values: Readonly<Record<string, string>>
}

/**
 * A Secret with random values, which the operator creates where it is missing, and never reads or applies again. Each value is at least
 * 32 random letters and digits and starts with a letter, so that no configuration file reads it as a number.
 */
export interface GeneratedSecret {
  metadata: ObjectMeta
  /** The keys that get a random value. */
  keys: readonly string[]
  /** The workload that needs it first: while that exists and no pod reports the Secret as missing, the Secret exists, and nothing has to read it. */
  neededBy: { kind: 'StatefulSet' | 'Deployment'; name: string }
  /** What reads it only at its start, and so is restarted when the Secret was deleted and gets new values. */
  restarts: readonly Component[]
}
