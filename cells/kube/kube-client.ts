import type { KubeKey, KubeList, KubeObject, WatchEvent } from './kube-object.ts'
import type { Resource } from './resources.ts'

/** Query parameters of lists and watches; absent and empty are different things to the API server. */
export type KubeQuery = Readonly<Record<string, string | number | boolean | undefined>>

export interface WatchOptions<T> {
  query: KubeQuery
  signal: AbortSignal
  /** The server accepted the watch. */
  onOpen?: () => void
  onEvent: (event: WatchEvent<T>) => void
}

/** How objects are written by server-side apply. */
export interface ApplyOptions {
  fieldManager: string
  /** Takes fields over from other managers; without it their disagreement is a 409. */
  force: boolean
  subresource?: 'status'
  /** The server checks the object and answers as if it had written it. */
  dryRun?: boolean
  signal?: AbortSignal | undefined
  guard?: (() => void) | undefined
}

/** Requests to the API server, by verb. */
export type RequestCounts = Record<
  'list' | 'watch' | 'get' | 'create' | 'replace' | 'merge' | 'apply' | 'applyStatus' | 'remove',
  number
>

/**
 * A client of one API server: pooled, counted, and with a deadline on every call. Error responses throw KubeError; a missing
 * object is `undefined` or `false`. A 429 is retried after the time the server asks for, while the deadline allows; nothing else
 * is.
 */
export interface KubeClient {
  list<T>(path: string, query: KubeQuery, signal?: AbortSignal): Promise<KubeList<T>>
  /** Resolves when the server ends the stream. @throws KubeError, or what the network threw */
  watch<T>(path: string, options: WatchOptions<T>): Promise<void>
  get<T extends KubeObject>(resource: Resource, key: KubeKey): Promise<T | undefined>
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>
  /** PUT; with `metadata.resourceVersion` set, a compare-and-set that fails with a 409. */
  replace<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>
  /** Changes some fields of an object that is there; a 404 otherwise. */
  merge(resource: Resource, key: KubeKey, change: object, options?: WriteOptions): Promise<KubeObject>
  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>
  /** Deletes, only the very object when `uid` is given (else a 409); false when it was not there. */
  remove(resource: Resource, key: KubeKey, options?: RemoveOptions): Promise<boolean>
  readonly server: string
  /** Namespace to use where the caller names none. */
  readonly namespace: string
  /** Requests sent so far, retries included. */
  readonly counts: Readonly<RequestCounts>
  /** Aborts all requests and watches. */
  stop(): Promise<void>
}

export interface WriteOptions {
  fieldManager?: string
  signal?: AbortSignal | undefined
  /** Called right before a request is sent, also when it is sent again; if it throws, the request is not sent. */
  guard?: (() => void) | undefined
  timeoutMs?: number
  /** The server checks a creation and answers as if it had carried it out. */
  dryRun?: boolean
}

export interface RemoveOptions {
  uid?: string | undefined
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  signal?: AbortSignal | undefined
  guard?: (() => void) | undefined
}
