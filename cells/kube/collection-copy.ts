import type { Log } from '../chassis/log.ts'
import type { KubeMetrics } from './kube-metrics.ts'
import type { KubeKey, KubeObject } from './kube-object.ts'

/** A change of one object. `object` of a removed one is its last known state. */
export interface CollectionChange<T> {
  type: 'added' | 'changed' | 'removed'
  object: T
  previous?: T
}

/** Selects what is kept of each object, and receives its changes. */
export interface CollectionCopyOptions<Live extends KubeObject, T> {
  /** Path of a collection, of one namespace or of all. */
  path: string
  /**
   * Returns what is kept of an object. It gets the whole object; managedFields and the last applied configuration are never kept.
   */
  project: (live: Live) => T
  /** Called for each change, after the copy has it. */
  onChange?: (change: CollectionChange<T>) => void
  log: Log
  metrics?: KubeMetrics | undefined
}

interface Entry<T> {
  resourceVersion: string
  object: T
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** The objects of a collection in memory, as far as they are known. An object of an unchanged version is no change. */
export class CollectionCopy<Live extends KubeObject, T> {
  readonly kind: string
  readonly #options: CollectionCopyOptions<Live, T>
  readonly #entries = new Map<string, Entry<T>>()

  constructor(options: CollectionCopyOptions<Live, T>) {
    this.#options = options
    this.kind = options.path.slice(options.path.lastIndexOf('/') + 1)
  }

  get(key: KubeKey): T | undefined {
    return this.#entries.get(keyText(key))?.object
  }

  list(): T[] {
    return Array.from(this.#entries.values(), ({ object }) => object)
  }

  /** Begins a complete list of the collection: its pages are added, and `done` replaces what was known. */
  replacement(): { add(live: Live): void; done(): void } {
    const incoming = new Map<string, Entry<T>>()
    return {
      add: (live) => {
        const key = keyOf(live)
        const known = this.#entries.get(key)
        incoming.set(key, known && known.resourceVersion === versionOf(live) ? known : this.#entryOf(live))
      },
      done: () => {
        for (const [key, { object }] of this.#entries) if (!incoming.has(key)) this.#remove(key, object)
        for (const [key, entry] of incoming) this.#set(key, entry)
      },
    }
  }

  set(live: Live): void {
    this.#set(keyOf(live), this.#entryOf(live))
  }

  remove(live: Live): void {
    this.#remove(keyOf(live), this.#entryOf(live).object)
  }

  #entryOf(live: Live): Entry<T> {
    const object = this.#options.project(live)
    const { metadata } = live as KubeObject & { metadata: { managedFields?: unknown } }
    delete metadata.managedFields
    delete metadata.annotations?.[LAST_APPLIED]
    return { resourceVersion: versionOf(live), object }
  }

  #set(key: string, entry: Entry<T>): void {
    const known = this.#entries.get(key)
    if (known?.resourceVersion === entry.resourceVersion) return
    this.#entries.set(key, entry)
    if (!known) this.#options.metrics?.objects.inc({ kind: this.kind })
    if (known) this.#notify({ type: 'changed', object: entry.object, previous: known.object })
    else this.#notify({ type: 'added', object: entry.object })
  }

  #remove(key: string, object: T): void {
    const known = this.#entries.get(key)
    if (!known) return
    this.#entries.delete(key)
    this.#options.metrics?.objects.dec({ kind: this.kind })
    this.#notify({ type: 'removed', object, previous: known.object })
  }

  #notify(change: CollectionChange<T>): void {
    const { onChange, log, path } = this.#options
    try {
      onChange?.(change)
    } catch (error) {
      log.error({ err: error, path }, 'a listener for changes failed on a bug')
    }
  }
}

const versionOf = ({ metadata }: KubeObject): string => metadata.resourceVersion ?? ''
const keyText = ({ namespace = '', name }: KubeKey) => `${namespace}/${name}`
const keyOf = ({ metadata }: KubeObject) => keyText(metadata)
