import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../cells/chassis/clock.ts'
import type { KubeClient, RequestCounts, WatchOptions } from '../../cells/kube/kube-client.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeMeta, KubeObject, WatchEvent } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource } from '../../cells/kube/resources.ts'

type Fields = { [step: string]: Fields }
interface Managed {
  manager: string
  operation: 'Apply'
  subresource?: 'status'
  fieldsV1: Fields
}
/** An object as the simulator holds it. */
export interface StoredObject extends Omit<KubeObject, 'metadata'> {
  metadata: KubeMeta & { managedFields?: Managed[] }
  spec?: unknown
  status?: unknown
}

/** An API server in memory: what the operator uses of one, and nothing in it depends on chance or on the machine. */
export interface InMemoryApiServer {
  /** A client; `beforeAnswer` runs after each write was done and before its answer is on its way. */
  client(beforeAnswer?: () => Promise<void>): KubeClient
  /** Everything there is, in order of kind and name. */
  objects(): StoredObject[]
  /** Writes that changed something. */
  readonly changes: number
  onChange(listener: (object: StoredObject) => void): void
}

/** Server-side apply, watches from any version, finalizers, and collection of what has no owner any more; lists count as one field each. */
export function createInMemoryApiServer(clock: Clock): InMemoryApiServer {
  const objects = new Map<string, { path: string; object: StoredObject }>()
  const history: { path: string; event: WatchEvent<StoredObject> }[] = []
  const watchers = new Set<() => void>()
  const listeners = new Set<(object: StoredObject) => void>()
  let version = 0
  let uids = 0

  const idOf = (path: string, { namespace = '', name }: { namespace?: string | undefined; name: string }) =>
    `${path}|${namespace}/${name}`
  const rootOf = (resource: Resource) => collectionPath(resource)

  function keep(path: string, object: StoredObject, type: 'ADDED' | 'MODIFIED' | 'DELETED'): StoredObject {
    object.metadata.resourceVersion = String(++version)
    const id = idOf(path, object.metadata)
    if (type === 'DELETED') objects.delete(id)
    else objects.set(id, { path, object })
    history.push({ path, event: { type, object: structuredClone(object) } })
    for (const tell of watchers) tell()
    if (type === 'DELETED') collect(object.metadata.uid ?? '')
    for (const listener of listeners) listener(object)
    return structuredClone(object)
  }

  function collect(owner: string): void {
    for (const { path, object } of [...objects.values()])
      if (object.metadata.ownerReferences?.some(({ uid }) => uid === owner)) erase(path, object)
  }

  function erase(path: string, object: StoredObject): void {
    const held = (object.metadata.finalizers?.length ?? 0) > 0
    if (held && object.metadata.deletionTimestamp) return
    if (held) {
      const metadata = { ...object.metadata, deletionTimestamp: new Date(clock.now()).toISOString() }
      keep(path, { ...object, metadata }, 'MODIFIED')
    } else keep(path, structuredClone(object), 'DELETED')
  }

  function created(path: string, object: StoredObject): StoredObject {
    if (objects.has(idOf(path, object.metadata))) throw new KubeError(`POST ${path}`, 409, { reason: 'AlreadyExists' })
    const metadata = { ...object.metadata, uid: `uid-${++uids}`, generation: 1 }
    return keep(path, { ...structuredClone(object), metadata }, 'ADDED')
  }

  function applied(path: string, wish: StoredObject, manager: string, subresource?: 'status'): StoredObject {
    const before = objects.get(idOf(path, wish.metadata))?.object
    if (!before && subresource) throw new KubeError(`PATCH ${path}`, 404, { reason: 'NotFound' })
    const { uid } = wish.metadata
    if (before && uid && uid !== before.metadata.uid) throw new KubeError(`PATCH ${path}`, 409, { reason: 'Conflict' })
    const body = subresource ? { status: wish.status } : appliedPart(wish)
    const fieldsV1 = fieldsOf(body)
    const entries = before?.metadata.managedFields ?? []
    const mine = (entry: Managed) => entry.manager === manager && entry.subresource === subresource
    const next = structuredClone(
      before ?? { apiVersion: wish.apiVersion, kind: wish.kind, metadata: newMeta(wish) },
    ) as StoredObject
    const previous = entries.find(mine)
    if (previous) withdraw(next as unknown as Record<string, unknown>, previous.fieldsV1, fieldsV1)
    merge(next as unknown as Record<string, unknown>, body)
    if (before && isDeepStrictEqual(next, before)) return structuredClone(before)
    next.metadata.managedFields = [
      ...entries.filter((entry) => !mine(entry)),
      { manager, operation: 'Apply', ...(subresource && { subresource }), fieldsV1 },
    ]
    if (before && !isDeepStrictEqual(before.spec, next.spec)) next.metadata.generation = (before.metadata.generation ?? 0) + 1
    const kept = keep(path, next, before ? 'MODIFIED' : 'ADDED')
    if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length) erase(path, next)
    return kept
  }

  const newMeta = ({ metadata: { name, namespace } }: StoredObject): KubeMeta => ({
    name,
    ...(namespace && { namespace }),
    uid: `uid-${++uids}`,
    generation: 1,
    creationTimestamp: new Date(clock.now()).toISOString(),
  })

  function watch<T>(path: string, { query, signal, onOpen, onEvent }: WatchOptions<T>): Promise<void> {
    return new Promise((_resolve, reject) => {
      let at = history.findIndex(({ event }) => Number(event.object.metadata.resourceVersion) > Number(query.resourceVersion))
      if (at < 0) at = history.length
      let due = false
      const pour = () => {
        due = false
        for (; at < history.length && !signal.aborted; at++) {
          const entry = history[at]
          if (entry?.path === path && isSelected(entry.event.object, query.labelSelector))
            onEvent(structuredClone(entry.event) as unknown as WatchEvent<T>)
        }
      }
      const tell = () => {
        if (!due) setImmediate(pour)
        due = true
      }
      watchers.add(tell)
      signal.addEventListener('abort', () => {
        watchers.delete(tell)
        reject(signal.reason)
      })
      onOpen?.()
      tell()
    })
  }

  function client(beforeAnswer = async () => {}): KubeClient {
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
      async list(path, { labelSelector }) {
        counts.list++
        const items = [...objects.values()].filter((known) => known.path === path && isSelected(known.object, labelSelector))
        const list = {
          apiVersion: '',
          kind: '',
          metadata: { resourceVersion: String(version) },
          items: items.map(({ object }) => object),
        }
        return structuredClone(list) as never
      },
      watch,
      async get(resource, key) {
        counts.get++
        return structuredClone(objects.get(idOf(rootOf(resource), key))?.object) as never
      },
      create: (resource, object) => write('create', () => created(rootOf(resource), object as StoredObject) as never),
      replace: () => Promise.reject(new Error('nobody replaces anything here')),
      merge: () => Promise.reject(new Error('nobody merges anything here')),
      apply: (resource, object, { fieldManager, subresource }) =>
        write(
          subresource ? 'applyStatus' : 'apply',
          () => applied(rootOf(resource), object as StoredObject, fieldManager, subresource) as never,
        ),
      remove: (resource, key, { uid } = {}) =>
        write('remove', () => {
          const path = rootOf(resource)
          const known = objects.get(idOf(path, key))?.object
          if (!known) return false
          if (uid && known.metadata.uid !== uid) throw new KubeError(`DELETE ${path}`, 409, { reason: 'Conflict' })
          erase(path, known)
          return true
        }),
      stop: async () => {},
    }
  }

  return {
    client,
    objects: () => [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { object }]) => structuredClone(object)),
    get changes() {
      return version
    },
    onChange: (listener) => listeners.add(listener),
  }
}

/** What an apply decides about an object. */
function appliedPart({ apiVersion: _, kind: __, metadata, status: ___, ...rest }: StoredObject): Record<string, unknown> {
  const { labels, annotations, ownerReferences, finalizers } = metadata
  const given = { labels, annotations, ownerReferences, finalizers }
  return { metadata: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), ...rest }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fieldsOf(value: Record<string, unknown>): Fields {
  const fields: Fields = {}
  for (const [name, inside] of Object.entries(value))
    if (inside !== undefined) fields[`f:${name}`] = isMap(inside) ? { '.': {}, ...fieldsOf(inside) } : {}
  return fields
}

/** Takes away what was wished before and is not any more. */
function withdraw(target: Record<string, unknown>, before: Fields, after: Fields): void {
  for (const [step, inside] of Object.entries(before)) {
    if (step === '.') continue
    const name = step.slice(2)
    const next = after[step]
    if (!next) delete target[name]
    else if (isMap(target[name])) withdraw(target[name], inside, next)
  }
}

function merge(target: Record<string, unknown>, wish: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(wish)) {
    if (value === undefined) continue
    if (isMap(value)) {
      if (!isMap(target[name])) target[name] = {}
      merge(target[name] as Record<string, unknown>, value)
    } else target[name] = structuredClone(value)
  }
}

function isSelected({ metadata: { labels = {} } }: StoredObject, selector: unknown): boolean {
  if (typeof selector !== 'string') return true
  return selector.split(',').every((term) => {
    const [name = '', value] = term.split('=')
    return labels[name] === value
  })
}
