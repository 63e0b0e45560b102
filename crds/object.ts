/** The part of every object's metadata we read or write. */
export interface ObjectMeta {
  name: string
  namespace: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
}

/** Who an object belongs to: when the owner goes, Kubernetes collects it. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** A namespace and a name: how one object of a kind is called. */
export interface ObjectKey {
  namespace: string
  name: string
}

/** `namespace/name`, for maps, logs and messages. */
export const keyText = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`
