import type { ObjectMeta } from '../../crds/object.ts'

/** The fields that every object of the API server has. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: KubeMeta
}

/** The metadata of an object that may be cluster-scoped. */
export interface KubeMeta extends Omit<ObjectMeta, 'namespace'> {
  namespace?: string
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
