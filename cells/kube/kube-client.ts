import { Agent, type Dispatcher } from 'undici'
import type { KubeAccess } from './kube-access.ts'
import { KubeError, refusalOf } from './kube-error.ts'
import type { KubeMetrics } from './kube-metrics.ts'
import type { KubeKey, KubeList, KubeObject, WatchEvent } from './kube-object.ts'
import { lineSplitter } from './line-splitter.ts'
import { collectionPath, objectPath, type Resource } from './resources.ts'

/** Query parameters of lists and watches; absent and empty are different things to the API server. */
export type KubeQuery = Readonly<Record<string, string | number | boolean | undefined>>

/** A watch: where from, what to do with each event, when to end. */
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
  signal?: AbortSignal | undefined
  guard?: (() => void) | undefined
}

/** What was asked of the API server, by verb. */
export type RequestCounts = Record<
  'list' | 'watch' | 'get' | 'create' | 'replace' | 'merge' | 'apply' | 'applyStatus' | 'remove',
  number
>

/**
 * A client of one API server: pooled, counted, and with a deadline on every call. Answers that refuse throw KubeError;
 * what is not there is `undefined` or `false`. A 429 is retried as told, while the deadline allows; nothing else is.
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
  /** Namespace to use where nobody names one. */
  readonly namespace: string
  /** Requests sent so far, retries included. */
  readonly counts: Readonly<RequestCounts>
  /** Ends everything under way. */
  stop(): Promise<void>
}

/** Ends a write early, and whose name it is recorded under. */
export interface WriteOptions {
  fieldManager?: string
  signal?: AbortSignal | undefined
  /** Called at the very moment a request goes out, also when it is sent again; what it throws keeps it from going. */
  guard?: (() => void) | undefined
  timeoutMs?: number
}

/** What to delete, exactly, and what becomes of its dependents. */
export interface RemoveOptions {
  uid?: string | undefined
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  signal?: AbortSignal | undefined
  guard?: (() => void) | undefined
}

const MAX_CONNECTIONS = 16
const KEEP_ALIVE_MS = 60_000
const TCP_KEEP_ALIVE_MS = 30_000
const REQUEST_TIMEOUT_MS = 10_000
const LIST_TIMEOUT_MS = 60_000
const WATCH_OPEN_TIMEOUT_MS = 30_000
const DEFAULT_RETRY_AFTER_MS = 1000
const APPLY_TYPE = 'application/apply-patch+yaml'
const MERGE_TYPE = 'application/merge-patch+json'

/** One exchange with the API server, before it is sent. */
interface Call {
  verb: keyof RequestCounts
  method: Dispatcher.HttpMethod
  path: string
  query?: KubeQuery
  body?: unknown
  contentType?: string
  signal?: AbortSignal | undefined
  guard?: (() => void) | undefined
  timeoutMs?: number
}

/** A client of the API server behind `access`. */
export function createKubeClient({ access, metrics }: { access: KubeAccess; metrics?: KubeMetrics | undefined }): KubeClient {
  const connect = { ...access.tls, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS }
  // Not HTTP/2, which an API server prefers: a reset may leave a stream there without an end, and a watch would wait for its timer.
  const requests = new Agent({ connect, allowH2: false, connections: MAX_CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS })
  // Watches have connections of their own, as many as there are watches, so that they never starve requests.
  const watches = new Agent({ connect, allowH2: false, bodyTimeout: 0, headersTimeout: WATCH_OPEN_TIMEOUT_MS })
  const counts: RequestCounts = {
    list: 0,
    watch: 0,
    get: 0,
    create: 0,
    replace: 0,
    merge: 0,
    apply: 0,
    applyStatus: 0,
    remove: 0,
  }

  async function send(agent: Agent, call: Call, signal: AbortSignal, fresh = false): Promise<Dispatcher.ResponseData> {
    const { verb, method, path, query, body, contentType = 'application/json' } = call
    const headers = {
      accept: 'application/json',
      ...(await access.headers(fresh)),
      ...(body !== undefined && { 'content-type': contentType }),
    }
    call.guard?.()
    counts[verb]++
    const answer = await agent
      .request({
        origin: access.server,
        method,
        path: path + queryText(query),
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      })
      .catch((cause: unknown) => {
        metrics?.requests.inc({ verb, status: '0' })
        throw cause
      })
    metrics?.requests.inc({ verb, status: String(answer.statusCode) })
    if (answer.statusCode < 300) return answer
    const refusal = await refusalOf(`${method} ${path}`, answer)
    // Tokens are replaced on disk while we run: the first 401 only says that ours is the old one.
    if (refusal.status === 401 && !fresh) return send(agent, call, signal, true)
    throw refusal
  }

  async function exchange<T>(call: Call): Promise<T> {
    const { timeoutMs = REQUEST_TIMEOUT_MS, signal } = call
    const deadline = AbortSignal.timeout(timeoutMs)
    const endsAt = performance.now() + timeoutMs
    const either = signal ? AbortSignal.any([deadline, signal]) : deadline
    for (;;) {
      try {
        const answer = await send(requests, call, either)
        return (await answer.body.json()) as T
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 429) throw error
        const pauseMs = error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS
        if (performance.now() + pauseMs >= endsAt) throw error
        await pause(pauseMs, either)
      }
    }
  }

  const pathOf = (resource: Resource, object: KubeObject) => objectPath(resource, keyOfObject(object))
  return {
    server: access.server,
    namespace: access.namespace,
    counts,
    list: (path, query, signal) => exchange({ verb: 'list', method: 'GET', path, query, signal, timeoutMs: LIST_TIMEOUT_MS }),
    async watch<T>(path: string, { query, signal, onOpen, onEvent }: WatchOptions<T>) {
      const answer = await send(watches, { verb: 'watch', method: 'GET', path, query: { ...query, watch: true } }, signal)
      onOpen?.()
      const take = lineSplitter((line) => onEvent(JSON.parse(line) as WatchEvent<T>))
      for await (const chunk of answer.body) take(chunk as Buffer)
    },
    get: (resource, key) => orUndefined(exchange({ verb: 'get', method: 'GET', path: objectPath(resource, key) })),
    create: (resource, object, { fieldManager, ...options } = {}) =>
      exchange({
        verb: 'create',
        method: 'POST',
        path: collectionPath(resource, object.metadata.namespace),
        query: { fieldManager },
        body: object,
        ...options,
      }),
    replace: (resource, object, { fieldManager, ...options } = {}) =>
      exchange({
        verb: 'replace',
        method: 'PUT',
        path: pathOf(resource, object),
        query: { fieldManager },
        body: object,
        ...options,
      }),
    merge: (resource, key, change, { fieldManager, ...options } = {}) =>
      exchange({
        verb: 'merge',
        method: 'PATCH',
        path: objectPath(resource, key),
        query: { fieldManager },
        body: change,
        contentType: MERGE_TYPE,
        ...options,
      }),
    apply: (resource, object, { fieldManager, force, subresource, signal, guard }) =>
      exchange({
        verb: subresource ? 'applyStatus' : 'apply',
        method: 'PATCH',
        path: pathOf(resource, object) + (subresource ? `/${subresource}` : ''),
        query: { fieldManager, force },
        body: object,
        contentType: APPLY_TYPE,
        signal,
        guard,
      }),
    async remove(resource, key, { uid, propagationPolicy = 'Background', signal, guard } = {}) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, ...(uid && { preconditions: { uid } }) }
      const gone = exchange<unknown>({ verb: 'remove', method: 'DELETE', path: objectPath(resource, key), body, signal, guard })
      return (await orUndefined(gone.then(() => true))) ?? false
    },
    async stop() {
      await Promise.all([requests.destroy(), watches.destroy()])
    },
  }
}

const keyOfObject = ({ metadata: { name, namespace } }: KubeObject): KubeKey => ({ name, ...(namespace && { namespace }) })

function queryText(query: KubeQuery = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  return given.length > 0 ? `?${new URLSearchParams(given)}` : ''
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined
    throw error
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', aborted, { once: true })
    function done() {
      signal.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted() {
      clearTimeout(timer)
      reject(signal.reason)
    }
  })
