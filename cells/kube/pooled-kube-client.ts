import { Agent, type Dispatcher } from 'undici'
import { withoutTrailingSlash } from '../chassis/base-url.ts'
import { guarded } from './guarded-dispatch.ts'
import type { KubeAccess } from './kube-access.ts'
import type {
  ApplyOptions,
  KubeClient,
  KubeQuery,
  RemoveOptions,
  RequestCounts,
  WatchOptions,
  WriteOptions,
} from './kube-client.ts'
import { KubeError, refusalOf } from './kube-error.ts'
import type { KubeMetrics } from './kube-metrics.ts'
import type { KubeKey, KubeList, KubeObject, WatchEvent } from './kube-object.ts'
import { lineSplitter } from './line-splitter.ts'
import { collectionPath, objectPath, type Resource } from './resources.ts'

const MAX_CONNECTIONS = 16
const KEEP_ALIVE_MS = 60_000
const TCP_KEEP_ALIVE_MS = 30_000
const REQUEST_TIMEOUT_MS = 10_000
const LIST_TIMEOUT_MS = 60_000
const WATCH_OPEN_TIMEOUT_MS = 30_000
const DEFAULT_RETRY_AFTER_MS = 1000
const APPLY_TYPE = 'application/apply-patch+yaml'
const MERGE_TYPE = 'application/merge-patch+json'

/** One request to the API server, before it is sent. */
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

interface PooledKubeClientOptions {
  access: KubeAccess
  metrics?: KubeMetrics | undefined
  /** How long the first byte of an answer may take, in milliseconds; otherwise as long as the whole request, up to a minute for a list. */
  answersWithinMs?: number
}

/** A client of the API server behind `access`. */
export const createKubeClient = (options: PooledKubeClientOptions): KubeClient => new PooledKubeClient(options)

class PooledKubeClient implements KubeClient {
  readonly server: string
  readonly namespace: string
  readonly counts: RequestCounts = {
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
  readonly #access: KubeAccess
  /** A proxy that serves several clusters, as Rancher does, has a path of its own for each. */
  readonly #at: { origin: string; host: string; path: string }
  readonly #metrics: KubeMetrics | undefined
  readonly #requests: Agent
  /** Watches have connections of their own, as many as there are watches, so that they never starve requests. */
  readonly #watches: Agent

  constructor({ access, metrics, answersWithinMs = LIST_TIMEOUT_MS }: PooledKubeClientOptions) {
    this.server = access.server
    const { origin, host, pathname } = new URL(access.server)
    this.#at = { origin, host, path: withoutTrailingSlash(pathname) }
    this.namespace = access.namespace
    this.#access = access
    this.#metrics = metrics
    const connect = { ...access.tls, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS }
    // Not HTTP/2, which an API server prefers: a reset may leave a stream there without an end, and a watch would wait for its
    // timer.
    this.#requests = new Agent({
      ...{ connect, allowH2: false, connections: MAX_CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS },
      headersTimeout: answersWithinMs,
    })
    this.#watches = new Agent({ connect, allowH2: false, bodyTimeout: 0, headersTimeout: WATCH_OPEN_TIMEOUT_MS })
  }

  list<T>(path: string, query: KubeQuery, signal?: AbortSignal): Promise<KubeList<T>> {
    return this.#request({ verb: 'list', method: 'GET', path, query, signal, timeoutMs: LIST_TIMEOUT_MS })
  }

  async watch<T>(path: string, { query, signal, onOpen, onEvent }: WatchOptions<T>): Promise<void> {
    const call: Call = { verb: 'watch', method: 'GET', path, query: { ...query, watch: true } }
    const response = await this.#send(this.#watches, call, signal)
    onOpen?.()
    const take = lineSplitter((line) => onEvent(JSON.parse(line) as WatchEvent<T>))
    for await (const chunk of response.body) take(chunk as Buffer)
  }

  get<T extends KubeObject>(resource: Resource, key: KubeKey): Promise<T | undefined> {
    return orUndefined(this.#request<T>({ verb: 'get', method: 'GET', path: objectPath(resource, key) }))
  }

  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    { fieldManager, dryRun, ...options }: WriteOptions = {},
  ): Promise<T> {
    const path = collectionPath(resource, object.metadata.namespace)
    const query = { fieldManager, ...(dryRun && { dryRun: 'All' }) }
    return this.#request({ verb: 'create', method: 'POST', path, query, body: object, ...options })
  }

  replace<T extends KubeObject>(resource: Resource, object: T, { fieldManager, ...options }: WriteOptions = {}): Promise<T> {
    const path = pathOf(resource, object)
    return this.#request({ verb: 'replace', method: 'PUT', path, query: { fieldManager }, body: object, ...options })
  }

  merge(resource: Resource, key: KubeKey, change: object, { fieldManager, ...options }: WriteOptions = {}): Promise<KubeObject> {
    const path = objectPath(resource, key)
    const call: Call = { verb: 'merge', method: 'PATCH', path, query: { fieldManager }, body: change, contentType: MERGE_TYPE }
    return this.#request({ ...call, ...options })
  }

  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const { fieldManager, force, subresource, dryRun, signal, guard } = options
    return this.#request({
      verb: subresource ? 'applyStatus' : 'apply',
      method: 'PATCH',
      path: pathOf(resource, object) + (subresource ? `/${subresource}` : ''),
      query: { fieldManager, force, ...(dryRun && { dryRun: 'All' }) },
      body: object,
      contentType: APPLY_TYPE,
      signal,
      guard,
    })
  }

  async remove(resource: Resource, key: KubeKey, options: RemoveOptions = {}): Promise<boolean> {
    const { uid, propagationPolicy = 'Background', signal, guard } = options
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, ...(uid && { preconditions: { uid } }) }
    const path = objectPath(resource, key)
    const removed = this.#request<unknown>({ verb: 'remove', method: 'DELETE', path, body, signal, guard })
    return (await orUndefined(removed.then(() => true))) ?? false
  }

  async stop(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()])
  }

  /** Sends a call and reads the response; a 429 is retried when the server says so, as long as the deadline allows. */
  async #request<T>(call: Call): Promise<T> {
    const { timeoutMs = REQUEST_TIMEOUT_MS, signal } = call
    const deadline = AbortSignal.timeout(timeoutMs)
    const endsAt = performance.now() + timeoutMs
    const either = signal ? AbortSignal.any([deadline, signal]) : deadline
    for (;;) {
      try {
        const response = await this.#send(this.#requests, call, either)
        return (await response.body.json()) as T
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 429) throw error
        const pauseMs = error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS
        if (performance.now() + pauseMs >= endsAt) throw error
        await pause(pauseMs, either)
      }
    }
  }

  async #send(agent: Agent, call: Call, signal: AbortSignal, fresh = false): Promise<Dispatcher.ResponseData> {
    const { verb, method, path, query, body, contentType = 'application/json' } = call
    const headers = {
      accept: 'application/json',
      ...(await this.#access.headers(fresh)),
      ...(body !== undefined && { 'content-type': contentType }),
    }
    const text = body === undefined ? null : JSON.stringify(body)
    let isAllowed = true
    let startedAt = 0
    const begin = () => {
      isAllowed = false
      call.guard?.()
      isAllowed = true
      startedAt = performance.now()
      this.counts[verb]++
    }
    const response = await guarded(agent, begin)
      .request({ origin: this.#at.origin, method, path: this.#at.path + path + queryText(query), headers, body: text, signal })
      .catch((cause: unknown) => {
        if (isAllowed) this.#count(call)
        throw cause
      })
    this.#count(call, response.statusCode, performance.now() - startedAt)
    if (response.statusCode < 300) return response
    const refusal = await refusalOf(`${method} ${path}`, response)
    // Tokens are replaced on disk while the process runs: the first 401 only means that the remembered one has ended.
    if (refusal.status === 401 && !fresh) return this.#send(agent, call, signal, true)
    throw refusal
  }

  #count({ verb, method }: Call, status?: number, tookMs?: number): void {
    const { host } = this.#at
    this.#metrics?.requests.inc({ verb, status: String(status ?? 0) })
    this.#metrics?.restRequests.inc({ code: String(status ?? '<error>'), method, host })
    if (tookMs !== undefined) this.#metrics?.restSeconds.observe({ verb: method, host }, tookMs / 1000)
  }
}

const pathOf = (resource: Resource, { metadata: { name, namespace } }: KubeObject): string =>
  objectPath(resource, { name, ...(namespace && { namespace }) })

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
