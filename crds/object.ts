/** The fields of an object's metadata that the project reads or writes. */
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

/** The owner of an object: Kubernetes deletes the object together with its owner. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** Namespace and name, which identify one object of a kind. */
export interface ObjectKey {
  namespace: string
  name: string
}

/** `namespace/name`, for maps, logs and messages. */
export const keyText = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`
