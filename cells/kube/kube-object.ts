/** Any object of the API server, as far as everybody agrees on its shape. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: KubeMeta
}

/** The part of every object's metadata that anybody reads or writes. */
export interface KubeMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[]
  finalizers?: string[]
}

/** One page of a collection. */
export interface KubeList<T> {
  apiVersion: string
  kind: string
  metadata: { resourceVersion: string; continue?: string }
  items: T[]
}

/** One line of a watch. `object` of ERROR is a `Status`. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

/** A name, and a namespace for the kinds that have one. */
export interface KubeKey {
  namespace?: string
  name: string
}
