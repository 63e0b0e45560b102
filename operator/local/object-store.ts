import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../cells/chassis/clock.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import { API_VERSION, type CommsCell, type Realm } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'

type Listener = (kind: Kind, key: ObjectKey) => void

/** Realms and cells in memory, with the metadata an API server would give them. */
export class ObjectStore {
  readonly realms = new Map<string, Realm>()
  readonly cells = new Map<string, CommsCell>()
  readonly #clock: Clock
  readonly #listeners = new Set<Listener>()
  #resourceVersion = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  applyRealm(realm: Pick<Realm, 'metadata' | 'spec'>): void {
    this.#apply(this.realms, realm, 'Realm')
  }

  applyCell(cell: Pick<CommsCell, 'metadata' | 'spec'>): void {
    this.#apply(this.cells, cell, 'CommsCell')
  }

  reportRealm(realm: Realm, status: Realm['status']): void {
    this.#report(this.realms, realm, status)
  }

  reportCell(cell: CommsCell, status: CommsCell['status']): void {
    this.#report(this.cells, cell, status)
  }

  cellsOf({ metadata }: Pick<Realm, 'metadata'>): CommsCell[] {
    const isOfRealm = ({ metadata: { namespace }, spec }: CommsCell) =>
      namespace === metadata.namespace && spec.realmRef.name === metadata.name
    return [...this.cells.values()].filter(isOfRealm)
  }

  /** Whether the object in the store is the same one, and not another that was created later under its name. */
  has(object: Realm | CommsCell): boolean {
    const stored = (object.kind === 'Realm' ? this.realms : this.cells).get(keyText(object.metadata))
    return stored?.metadata.uid === object.metadata.uid
  }

  deleteCell({ metadata }: CommsCell): void {
    this.cells.delete(keyText(metadata))
    this.notify('CommsCell', metadata)
  }

  notify(kind: Kind, { namespace, name }: ObjectKey): void {
    for (const listener of this.#listeners) listener(kind, { namespace, name })
  }

  /** The returned function removes the listener. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** As the API server does: uid and status stay, and a changed spec is a new generation. */
  #apply<Stored extends Realm | CommsCell>(
    store: Map<string, Stored>,
    { metadata, spec }: Pick<Stored, 'metadata' | 'spec'>,
    kind: Stored['kind'],
  ): void {
    const before = store.get(keyText(metadata))
    const { labels, annotations } = before?.metadata ?? {}
    const isSameSpec = before !== undefined && isDeepStrictEqual(before.spec, spec)
    if (isSameSpec && isDeepStrictEqual({ labels, annotations }, { labels: metadata.labels, annotations: metadata.annotations }))
      return
    const stored = {
      ...before,
      apiVersion: API_VERSION,
      kind,
      metadata: {
        ...metadata,
        uid: before?.metadata.uid ?? randomUUID(),
        creationTimestamp: before?.metadata.creationTimestamp ?? new Date(this.#clock.now()).toISOString(),
        generation: (before?.metadata.generation ?? 0) + (isSameSpec ? 0 : 1),
        resourceVersion: String(++this.#resourceVersion),
      },
      spec,
    } as Stored
    store.set(keyText(metadata), stored)
    this.notify(kind, metadata)
  }

  #report<Stored extends Realm | CommsCell>(store: Map<string, Stored>, { metadata }: Stored, status: Stored['status']): void {
    const before = store.get(keyText(metadata))
    if (!before || before.metadata.uid !== metadata.uid || isDeepStrictEqual(before.status, status)) return
    const resourceVersion = String(++this.#resourceVersion)
    store.set(keyText(metadata), { ...before, status, metadata: { ...before.metadata, resourceVersion } })
    this.notify(before.kind, metadata)
  }
}
