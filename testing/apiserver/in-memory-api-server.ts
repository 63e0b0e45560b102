import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../cells/chassis/clock.ts'
import type { KubeClient, RequestCounts, WatchOptions } from '../../cells/kube/kube-client.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { WatchEvent } from '../../cells/kube/kube-object.ts'
import { collectionPath } from '../../cells/kube/resources.ts'
import { applied, appliedPart, type StoredObject } from './server-side-apply.ts'

/** Called with an object after each change of it. */
type ChangeListener = (object: StoredObject) => void

/**
 * An API server in memory, as far as the operator uses one: server-side apply, watches from any version, finalizers, and collection of
 * objects whose owner is gone. A list counts as one field in an apply. Nothing depends on chance or on the speed of the machine.
 */
export class InMemoryApiServer {
  readonly #clock: Clock
  readonly #objects: Map<string, { path: string; object: StoredObject }> = new Map()
  readonly #history: { path: string; event: WatchEvent<StoredObject> }[] = []
  readonly #watches = new Set<() => void>()
  readonly #listeners = new Set<ChangeListener>()
  #version = 0
  #uids = 0

  /** @param like has the objects that this one begins with; watches and listeners stay with the other one */
  constructor(clock: Clock, like?: InMemoryApiServer) {
    this.#clock = clock
    if (!like) return
    this.#objects = new Map(structuredClone([...like.#objects]))
    this.#version = like.#version
    this.#uids = like.#uids
  }

  /** Number of writes that changed something. */
  get changes(): number {
    return this.#version
  }

  /** All objects in order of kind and name. */
  objects(): StoredObject[] {
    return [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { object }]) => structuredClone(object))
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.add(listener)
  }

  /** A client; `beforeAnswer` runs after each write was done and before the client receives the answer. */
  client(beforeAnswer = async () => {}): KubeClient {
    const counts = noRequests()
    const write = async <T>(verb: keyof RequestCounts, act: () => T): Promise<T> => {
      counts[verb]++
      await undefined
      const answer = act()
      await beforeAnswer()
      return answer
    }
    return {
      server: 'memory',
      namespace: 'default',
      counts,
      list: async (path, { labelSelector }) => {
        counts.list++
        return this.#list(path, labelSelector) as never
      },
      watch: (path, options) => this.#watch(path, options),
      get: async (resource, key) => {
        counts.get++
        return structuredClone(this.#objects.get(idOf(collectionPath(resource), key))?.object) as never
      },
      create: (resource, object, { dryRun = false } = {}) =>
        write('create', () => this.#create(collectionPath(resource), object as StoredObject, dryRun) as never),
      replace: () => Promise.reject(new Error('replace is not supported')),
      merge: () => Promise.reject(new Error('merge is not supported')),
      apply: (resource, object, { fieldManager, subresource }) =>
        write(
          subresource ? 'applyStatus' : 'apply',
          () => this.#apply(collectionPath(resource), object as StoredObject, fieldManager, subresource) as never,
        ),
      remove: (resource, key, { uid } = {}) => write('remove', () => this.#remove(collectionPath(resource), key, uid)),
      stop: async () => {},
    }
  }

  #list(path: string, labelSelector: unknown): object {
    const items = [...this.#objects.values()].filter((known) => known.path === path && isSelected(known.object, labelSelector))
    const metadata = { resourceVersion: String(this.#version) }
    return structuredClone({ apiVersion: '', kind: '', metadata, items: items.map(({ object }) => object) })
  }

  #watch<T>(path: string, { query, signal, onOpen, onEvent }: WatchOptions<T>): Promise<void> {
    return new Promise((_resolve, reject) => {
      const history = this.#history
      let at = history.findIndex(({ event }) => Number(event.object.metadata.resourceVersion) > Number(query.resourceVersion))
      if (at < 0) at = history.length
      let isDue = false
      const send = () => {
        isDue = false
        for (; at < history.length && !signal.aborted; at++) {
          const entry = history[at]
          if (entry?.path === path && isSelected(entry.event.object, query.labelSelector))
            onEvent(structuredClone(entry.event) as unknown as WatchEvent<T>)
        }
      }
      const schedule = () => {
        if (!isDue) setImmediate(send)
        isDue = true
      }
      this.#watches.add(schedule)
      signal.addEventListener('abort', () => {
        this.#watches.delete(schedule)
        reject(signal.reason)
      })
      onOpen?.()
      schedule()
    })
  }

  #create(path: string, object: StoredObject, dryRun: boolean): StoredObject {
    if (this.#objects.has(idOf(path, object.metadata))) throw new KubeError(`POST ${path}`, 409, { reason: 'AlreadyExists' })
    if (dryRun) return object
    const metadata = { ...object.metadata, uid: `uid-${++this.#uids}`, generation: 1 }
    return this.#store(path, { ...structuredClone(object), metadata }, 'ADDED')
  }

  #apply(path: string, desired: StoredObject, manager: string, subresource?: 'status'): StoredObject {
    const before = this.#objects.get(idOf(path, desired.metadata))?.object
    if (!before && subresource) throw new KubeError(`PATCH ${path}`, 404, { reason: 'NotFound' })
    const { uid } = desired.metadata
    if (before && uid && uid !== before.metadata.uid) throw new KubeError(`PATCH ${path}`, 409, { reason: 'Conflict' })
    const body = subresource ? { status: desired.status } : appliedPart(desired)
    const known = before ?? this.#newObject(desired)
    const next = applied(known, body, { manager, operation: 'Apply', ...(subresource && { subresource }) }, before === undefined)
    if (next === undefined) return structuredClone(before as StoredObject)
    if (before && !isDeepStrictEqual(before.spec, next.spec)) next.metadata.generation = (before.metadata.generation ?? 0) + 1
    const stored = this.#store(path, next, before ? 'MODIFIED' : 'ADDED')
    if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length) this.#erase(path, next)
    return stored
  }

  #newObject({ apiVersion, kind, metadata: { name, namespace } }: StoredObject): StoredObject {
    const uid = `uid-${++this.#uids}`
    const creationTimestamp = new Date(this.#clock.now()).toISOString()
    return { apiVersion, kind, metadata: { name, ...(namespace && { namespace }), uid, generation: 1, creationTimestamp } }
  }

  #remove(path: string, key: { namespace?: string | undefined; name: string }, uid: string | undefined): boolean {
    const known = this.#objects.get(idOf(path, key))?.object
    if (!known) return false
    if (uid && known.metadata.uid !== uid) throw new KubeError(`DELETE ${path}`, 409, { reason: 'Conflict' })
    this.#erase(path, known)
    return true
  }

  #erase(path: string, object: StoredObject): void {
    const isHeld = (object.metadata.finalizers?.length ?? 0) > 0
    if (isHeld && object.metadata.deletionTimestamp) return
    if (!isHeld) {
      this.#store(path, structuredClone(object), 'DELETED')
      return
    }
    const metadata = { ...object.metadata, deletionTimestamp: new Date(this.#clock.now()).toISOString() }
    this.#store(path, { ...object, metadata }, 'MODIFIED')
  }

  #store(path: string, object: StoredObject, type: 'ADDED' | 'MODIFIED' | 'DELETED'): StoredObject {
    object.metadata.resourceVersion = String(++this.#version)
    const id = idOf(path, object.metadata)
    if (type === 'DELETED') this.#objects.delete(id)
    else this.#objects.set(id, { path, object })
    this.#history.push({ path, event: { type, object: structuredClone(object) } })
    for (const schedule of this.#watches) schedule()
    if (type === 'DELETED') this.#collect(object.metadata.uid ?? '')
    for (const listener of this.#listeners) listener(object)
    return structuredClone(object)
  }

  /** Deletes the objects of an owner that is gone. */
  #collect(ownerUid: string): void {
    for (const { path, object } of [...this.#objects.values()])
      if (object.metadata.ownerReferences?.some(({ uid }) => uid === ownerUid)) this.#erase(path, object)
  }
}

const idOf = (path: string, { namespace = '', name }: { namespace?: string | undefined; name: string }): string =>
  `${path}|${namespace}/${name}`

const noRequests = (): RequestCounts => ({
  list: 0,
  watch: 0,
  get: 0,
  create: 0,
  replace: 0,
  merge: 0,
  apply: 0,
  applyStatus: 0,
  remove: 0,
})

function isSelected({ metadata: { labels = {} } }: StoredObject, selector: unknown): boolean {
  if (typeof selector !== 'string') return true
  return selector.split(',').every((term) => {
    const [name = '', value] = term.split('=')
    return labels[name] === value
  })
}
