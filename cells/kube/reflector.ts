import { type Clock, systemClock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import type { KubeClient, KubeQuery } from './kube-client.ts'
import { isVersionExpired, KubeError, watchError } from './kube-error.ts'
import type { KubeMetrics } from './kube-metrics.ts'
import type { KubeKey, KubeObject, WatchEvent } from './kube-object.ts'

/** What became of one object. `object` of a removed one is the last that was known of it. */
export interface CollectionChange<T> {
  type: 'added' | 'changed' | 'removed'
  object: T
  previous?: T
}

/** What to keep a copy of. */
export interface ReflectorOptions<Live extends KubeObject, T> {
  client: Pick<KubeClient, 'list' | 'watch'>
  /** Path of a collection, of one namespace or of all. */
  path: string
  selector?: { labels?: string; fields?: string }
  /** What is kept of an object; it sees everything, what it keeps loses managedFields and the last applied configuration. */
  project: (live: Live) => T
  /** Told of each change, after the copy has it. */
  onChange?: (change: CollectionChange<T>) => void
  log: Log
  clock?: Clock
  /** Chance, in [0, 1). */
  random?: () => number
  metrics?: KubeMetrics | undefined
}

/** A copy of a collection that outlives every disconnect. */
export interface Reflector<T> {
  start(): void
  stop(): Promise<void>
  /** Resolves once the copy is complete for the first time. */
  readonly synced: Promise<void>
  get(key: KubeKey): T | undefined
  list(): T[]
  /** False until synced, and when the API server has been out of reach for two minutes: the copy may be old. */
  healthy(): boolean
}

const PAGE_SIZE = 500
const MIN_WATCH_SECONDS = 300
const MAX_WATCH_SECONDS = 600
/** Bookmarks come about once a minute; a watch that is silent for longer lost its other end without a word. */
const SILENCE_MS = 150_000
const FIRST_PAUSE_MS = 800
const MAX_PAUSE_MS = 30_000
const HEALTHY_AFTER_MS = 120_000
const UNHEALTHY_AFTER_MS = 120_000
const BRIEF_MS = 1000
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Keeps a copy of a collection: lists once, then watches, resumes where a stream broke off, lists again when told to. */
export function createReflector<Live extends KubeObject, T = Live>(options: ReflectorOptions<Live, T>): Reflector<T> {
  const { client, path, selector = {}, project, log, clock = systemClock, random = Math.random, metrics } = options
  const kind = path.slice(path.lastIndexOf('/') + 1)
  const selectors: KubeQuery = { labelSelector: selector.labels, fieldSelector: selector.fields }
  const synced = Promise.withResolvers<void>()
  const store = new Map<string, { resourceVersion: string; object: T }>()
  let current = new AbortController()
  let stopping = false
  let loop: Promise<void> | undefined
  let isSynced = false
  let resourceVersion: string | undefined
  let downSince: number | undefined = clock.now()
  let failures = 0
  let wake = () => {}

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        if (resourceVersion === undefined) await relist()
        await watchOnce(resourceVersion ?? '')
      } catch (error) {
        if (stopping) return
        downSince ??= clock.now()
        metrics?.watchRestarts.inc({ kind })
        const relisting = isVersionExpired(error)
        if (relisting) resourceVersion = undefined
        // The first relist is at once: being told that our place is forgotten is part of normal life.
        const pauseMs = relisting && failures === 0 ? 0 : pauseAfter(error)
        failures++
        log.warn({ path, error: messageOf(error), pauseMs: Math.round(pauseMs) }, 'a watch ended early')
        await pause(pauseMs)
      }
    }
  }

  async function relist(): Promise<void> {
    const incoming = new Map<string, { resourceVersion: string; object: T }>()
    // No version: never older than what we knew before we lost touch, and in pages, so that no answer is as large as the collection.
    const query: KubeQuery = { ...selectors, limit: PAGE_SIZE }
    let next: string | undefined
    let listed = ''
    do {
      const page = await client.list<Live>(path, { ...query, continue: next }, current.signal)
      for (const live of page.items) {
        live.apiVersion ??= page.apiVersion
        live.kind ??= page.kind.slice(0, -'List'.length)
        const known = store.get(keyOf(live))
        const version = live.metadata.resourceVersion ?? ''
        incoming.set(keyOf(live), known?.resourceVersion === version ? known : { resourceVersion: version, object: kept(live) })
      }
      next = page.metadata.continue || undefined
      listed = page.metadata.resourceVersion
    } while (next)
    metrics?.relists.inc({ kind })
    resourceVersion = listed
    for (const [key, known] of store) if (!incoming.has(key)) forget(key, known.object)
    for (const [key, entry] of incoming) remember(key, entry)
    if (!isSynced) {
      isSynced = true
      synced.resolve()
    }
  }

  async function watchOnce(from: string): Promise<void> {
    const openedAt = clock.now()
    let lastHeard = openedAt
    let events = 0
    let silent = false
    const watching = current
    let cancelDog = clock.after(SILENCE_MS, bark)
    function bark() {
      const leftMs = lastHeard + SILENCE_MS - clock.now()
      if (leftMs > 0) {
        cancelDog = clock.after(leftMs, bark)
        return
      }
      silent = true
      watching.abort()
    }
    const timeoutSeconds = Math.floor(MIN_WATCH_SECONDS + random() * (MAX_WATCH_SECONDS - MIN_WATCH_SECONDS))
    try {
      await client.watch<Live>(path, {
        query: { ...selectors, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds },
        signal: watching.signal,
        onOpen: () => {
          downSince = undefined
        },
        onEvent: (event) => {
          lastHeard = clock.now()
          metrics?.lastEvent.set({ kind }, lastHeard / 1000)
          if (event.type !== 'BOOKMARK') events++
          take(event)
        },
      })
    } catch (error) {
      if (silent) throw new Error(`nothing was heard for ${SILENCE_MS / 1000} s`, { cause: error })
      throw error
    } finally {
      cancelDog()
      if (silent) current = new AbortController()
      if (clock.now() - openedAt >= HEALTHY_AFTER_MS) failures = 0
    }
    if (events === 0 && clock.now() - openedAt < BRIEF_MS) throw new Error('the stream ended at once')
  }

  function take({ type, object }: WatchEvent<Live>): void {
    if (type === 'ERROR') throw watchError(path, object)
    resourceVersion = object.metadata.resourceVersion
    if (type === 'BOOKMARK') return
    const key = keyOf(object)
    if (type === 'DELETED') forget(key, kept(object))
    else remember(key, { resourceVersion: resourceVersion ?? '', object: kept(object) })
  }

  function kept(live: Live): T {
    const object = project(live)
    const { metadata } = live as KubeObject & { metadata: { managedFields?: unknown } }
    delete metadata.managedFields
    delete metadata.annotations?.[LAST_APPLIED]
    return object
  }

  function remember(key: string, entry: { resourceVersion: string; object: T }): void {
    const known = store.get(key)
    if (known?.resourceVersion === entry.resourceVersion) return
    store.set(key, entry)
    metrics?.objects.set({ kind }, store.size)
    if (known) tell({ type: 'changed', object: entry.object, previous: known.object })
    else tell({ type: 'added', object: entry.object })
  }

  function forget(key: string, object: T): void {
    const known = store.get(key)
    if (!known) return
    store.delete(key)
    metrics?.objects.set({ kind }, store.size)
    tell({ type: 'removed', object, previous: known.object })
  }

  function tell(change: CollectionChange<T>): void {
    try {
      options.onChange?.(change)
    } catch (error) {
      log.error({ err: error, path }, 'a bug in whoever was told of a change')
    }
  }

  function pauseAfter(error: unknown): number {
    const backoffMs = random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    return Math.max(backoffMs, (error instanceof KubeError && error.retryAfterMs) || 0)
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve)
      wake = () => {
        cancel()
        resolve()
      }
    })

  return {
    start() {
      loop ??= run()
    },
    async stop() {
      stopping = true
      current.abort()
      wake()
      await loop
    },
    synced: synced.promise,
    get: (key) => store.get(keyText(key))?.object,
    list: () => Array.from(store.values(), ({ object }) => object),
    healthy: () => isSynced && (downSince === undefined || clock.now() - downSince <= UNHEALTHY_AFTER_MS),
  }
}

const keyText = ({ namespace = '', name }: KubeKey) => `${namespace}/${name}`
const keyOf = ({ metadata }: KubeObject) => keyText(metadata)
