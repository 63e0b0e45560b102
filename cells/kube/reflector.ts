import { type Backoff, backoffMs } from '../chassis/backoff.ts'
import { type Clock, systemClock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import { CollectionCopy, type CollectionCopyOptions } from './collection-copy.ts'
import type { KubeClient, KubeQuery } from './kube-client.ts'
import { isStatus, isVersionExpired, KubeError, watchError } from './kube-error.ts'
import type { KubeKey, KubeObject, WatchEvent } from './kube-object.ts'
import { readCollection } from './read-collection.ts'
import { SilenceTimer } from './silence-timer.ts'

/** The collection to copy, and how its server is reached. */
export interface ReflectorOptions<Live extends KubeObject, T> extends CollectionCopyOptions<Live, T> {
  client: Pick<KubeClient, 'list' | 'watch'>
  selector?: { labels?: string; fields?: string }
  clock?: Clock
  /** A number from 0 to 1 that spreads requests in time; `Math.random` by default. */
  random?: () => number
  /** The server may lack the kind, or the right to read it: the copy is then empty and complete until it has both. */
  optional?: { onChange(absence: KindAbsence | undefined): void }
}

/** Why the server has no such collection for this client: it does not serve the kind, or not to this account. */
export type KindAbsence = 'NotServed' | 'Forbidden'

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
  /** Of an optional collection: why the server has none. */
  readonly absence: KindAbsence | undefined
}

const MIN_WATCH_SECONDS = 300
const MAX_WATCH_SECONDS = 600
/**
 * Bookmarks come about once a minute; a watch that is silent for longer lost its other end without notice. Where a collection has none, as
 * that of Events, it may as well be quiet: its watch is opened again, which is no failure.
 */
const SILENCE_MS = 150_000
const BACKOFF: Backoff = { firstMs: 800, maxMs: 30_000 }
const HEALTHY_AFTER_MS = 120_000
const UNHEALTHY_AFTER_MS = 120_000
const BRIEF_MS = 1000
/** Between attempts to read an optional collection that the server does not serve: half of it, up to one and a half of it. */
const ABSENT_RETRY_MS: Readonly<Record<KindAbsence, number>> = { NotServed: 10_000, Forbidden: 30_000 }

/**
 * Keeps a copy of a collection: lists once, then watches, resumes where a stream broke off, lists again when the server requires
 * it.
 */
export const createReflector = <Live extends KubeObject, T = Live>(options: ReflectorOptions<Live, T>): Reflector<T> =>
  new CollectionReflector(options)

class CollectionReflector<Live extends KubeObject, T> implements Reflector<T> {
  readonly #options: ReflectorOptions<Live, T>
  readonly #clock: Clock
  readonly #random: () => number
  readonly #selectors: KubeQuery
  readonly #copy: CollectionCopy<Live, T>
  readonly #synced = Promise.withResolvers<void>()
  #isSynced = false
  /** Where the next watch begins; undefined = at a new list. */
  #resourceVersion: string | undefined
  /** Ends the request under way. */
  #abort = new AbortController()
  #endPause = () => {}
  #loop: Promise<void> | undefined
  #stopping = false
  #failures = 0
  /** Whether the server sends bookmarks for this collection. */
  #hasBookmarks = false
  /** Since when the server has been out of reach; undefined while a watch is open. */
  #downSince: number | undefined
  #absence: KindAbsence | undefined

  constructor(options: ReflectorOptions<Live, T>) {
    const { selector = {}, clock = systemClock, random = Math.random } = options
    this.#options = options
    this.#clock = clock
    this.#random = random
    this.#selectors = { labelSelector: selector.labels, fieldSelector: selector.fields }
    this.#copy = new CollectionCopy(options)
    this.#downSince = clock.monotonic()
  }

  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get absence(): KindAbsence | undefined {
    return this.#absence
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#abort.abort()
    this.#endPause()
    await this.#loop
  }

  get(key: KubeKey): T | undefined {
    return this.#copy.get(key)
  }

  list(): T[] {
    return this.#copy.list()
  }

  healthy(): boolean {
    return this.#isSynced && (this.#downSince === undefined || this.#clock.monotonic() - this.#downSince <= UNHEALTHY_AFTER_MS)
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const from = this.#resourceVersion ?? (await this.#relist())
        await this.#watch(from)
      } catch (error) {
        if (this.#stopping) return
        const absence = this.#options.optional && absenceOf(error)
        await this.#pause(absence ? this.#miss(absence) : this.#fail(error))
      }
    }
  }

  /** Takes in that the server has no such collection; returns how long to pause, in milliseconds. */
  #miss(absence: KindAbsence): number {
    this.#resourceVersion = undefined
    this.#copy.replacement().done()
    this.#downSince = undefined
    this.#failures = 0
    this.#setAbsence(absence)
    this.#completed()
    return ABSENT_RETRY_MS[absence] * (0.5 + this.#random())
  }

  #setAbsence(absence: KindAbsence | undefined): void {
    if (absence === this.#absence) return
    this.#absence = absence
    const { path, log, optional } = this.#options
    log.info({ path, absence }, absence ? 'a kind that is not needed is not there' : 'a kind that was not there is')
    optional?.onChange(absence)
  }

  #completed(): void {
    this.#isSynced = true
    this.#synced.resolve()
  }

  /** Takes a failure in; returns how long to pause after it, in milliseconds. */
  #fail(error: unknown): number {
    const { path, log, metrics } = this.#options
    this.#downSince ??= this.#clock.monotonic()
    metrics?.watchRestarts.inc({ kind: this.#copy.kind })
    const relisting = isVersionExpired(error)
    if (relisting) this.#resourceVersion = undefined
    // The first relist is at once: a version that the server has forgotten is part of normal operation.
    const pauseMs = relisting && this.#failures === 0 ? 0 : this.#pauseAfter(error)
    this.#failures++
    log.warn({ path, error: messageOf(error), pauseMs: Math.round(pauseMs) }, 'a watch ended early')
    return pauseMs
  }

  /** Reads the whole collection; returns its version. */
  async #relist(): Promise<string> {
    const { client, path, metrics } = this.#options
    const replacement = this.#copy.replacement()
    const query = { client, path, selectors: this.#selectors, signal: this.#abort.signal }
    const version = await readCollection<Live>(query, replacement.add)
    metrics?.relists.inc({ kind: this.#copy.kind })
    this.#resourceVersion = version
    this.#setAbsence(undefined)
    replacement.done()
    this.#completed()
    return version
  }

  /** Watches from a version until the server ends the stream in its time. @throws when it ends otherwise */
  async #watch(from: string): Promise<void> {
    const openedAt = this.#clock.monotonic()
    const abort = this.#abort
    const silence = new SilenceTimer(this.#clock, SILENCE_MS, () => abort.abort())
    const timeoutSeconds = Math.floor(MIN_WATCH_SECONDS + this.#random() * (MAX_WATCH_SECONDS - MIN_WATCH_SECONDS))
    let events = 0
    try {
      await this.#options.client.watch<Live>(this.#options.path, {
        query: { ...this.#selectors, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds },
        signal: abort.signal,
        onOpen: () => {
          this.#downSince = undefined
        },
        onEvent: (event) => {
          silence.reset()
          if (event.type === 'BOOKMARK') this.#hasBookmarks = true
          else events++
          this.#take(event)
        },
      })
    } catch (error) {
      if (!silence.hasPassed) throw error
      if (this.#hasBookmarks) throw new Error(`no event for ${SILENCE_MS / 1000} s`, { cause: error })
      return
    } finally {
      silence.cancel()
      if (silence.hasPassed) this.#abort = new AbortController()
      if (this.#clock.monotonic() - openedAt >= HEALTHY_AFTER_MS) this.#failures = 0
    }
    if (events === 0 && this.#clock.monotonic() - openedAt < BRIEF_MS) throw new Error('the stream ended at once')
  }

  #take({ type, object }: WatchEvent<Live>): void {
    const { path, metrics } = this.#options
    metrics?.lastEvent.set({ kind: this.#copy.kind }, this.#clock.now() / 1000)
    if (type === 'ERROR') throw watchError(path, object)
    this.#resourceVersion = object.metadata.resourceVersion
    if (type === 'DELETED') this.#copy.remove(object)
    else if (type !== 'BOOKMARK') this.#copy.set(object)
  }

  #pauseAfter(error: unknown): number {
    // Over the whole range: after a failure of the API server every watch of every client comes back.
    const spreadMs = this.#random() * backoffMs(BACKOFF, this.#failures + 1)
    return Math.max(spreadMs, (error instanceof KubeError && error.retryAfterMs) || 0)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
  }
}

const absenceOf = (error: unknown): KindAbsence | undefined =>
  isStatus(error, 404) ? 'NotServed' : isStatus(error, 403) ? 'Forbidden' : undefined
