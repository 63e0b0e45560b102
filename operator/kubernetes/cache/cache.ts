import { type Clock, systemClock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import type { KubeClient } from '../../../cells/kube/kube-client.ts'
import type { KubeMetrics } from '../../../cells/kube/kube-metrics.ts'
import type { KubeKey, KubeObject } from '../../../cells/kube/kube-object.ts'
import type { Reflector, ReflectorOptions } from '../../../cells/kube/reflector.ts'
import { reflectNamespaces } from '../../../cells/kube/reflectors.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { type Kind, realmResource } from '../../../crds/resources.ts'
import { MANAGER } from '../../desired/naming.ts'
import { AddressIndex } from './address-index.ts'
import {
  type Child,
  type ChildKind,
  childDiffers,
  childKey,
  childOf,
  childResources,
  isChildKind,
  OPTIONAL_KINDS,
} from './child.ts'
import { type Declared, declaredCell, declaredRealm } from './declared.ts'
import { Index } from './index-by.ts'
import { type EventProblem, eventProblemOf, type LiveEvent, WATCHED_EVENTS } from './pod-event.ts'
import { PodIndex } from './pod-index.ts'
import { type LivePod, type PodState, podStateOf } from './pod-state.ts'
import { ReadYourWrites } from './read-your-writes.ts'
import { RouteParents } from './route-parents.ts'
import { WorldIndex } from './world-index.ts'

/** `namespaces` limits the cache to some namespaces; all when empty. */
export interface CacheOptions {
  client: Pick<KubeClient, 'list' | 'watch'>
  log: Log
  clock?: Clock
  metrics?: KubeMetrics | undefined
  namespaces?: readonly string[]
}

type Listener = (kind: Kind, key: ObjectKey) => void
type CachedCell = Child & Declared<CommsCell>

/** All objects that carry the operator's label. */
const MANAGED = { labels: `app.kubernetes.io/managed-by=${MANAGER}` }

/**
 * What the operator knows of the cluster, answered from memory: it watches all objects it needs and keeps a small copy of each.
 * Secrets are not watched. The operator's own writes are visible at once, before the watch delivers them.
 */
export class Cache implements Running {
  readonly #options: CacheOptions
  readonly #reflectors = new Map<string, Reflector<unknown>>()
  readonly #realms: Reflector<Declared<Realm>>
  readonly #cells: Reflector<CachedCell>
  readonly #children = new Map<ChildKind, Reflector<Child>>()
  readonly #realmWrites: ReadYourWrites<Declared<Realm>>
  readonly #childWrites: ReadYourWrites<Child & Partial<Declared<CommsCell>>>
  readonly addresses = new AddressIndex((key) => this.realm(key))
  readonly worlds = new WorldIndex()
  readonly routeParents: RouteParents
  readonly #childrenByOwner = new Index<Child>(childKey)
  readonly #cellsByRealm = new Index<CommsCell>(({ metadata }) => keyText(metadata))
  readonly pods = new PodIndex()
  readonly #listeners = new Set<Listener>()
  #stopped = false
  /** Resolves once every collection was listed for the first time. */
  readonly synced: Promise<void>

  constructor(options: CacheOptions) {
    this.#options = options
    const { clock = systemClock, namespaces = [] } = options
    this.#realmWrites = new ReadYourWrites(clock)
    this.#childWrites = new ReadYourWrites(clock)
    this.#realms = this.#reflect(realmResource, { project: declaredRealm, onChange: (change) => this.#onRealm(change) })
    this.#cells = this.#reflect(childResources.CommsCell, { project: declaredCell, onChange: (change) => this.#onCell(change) })
    this.#children.set('CommsCell', this.#cells)
    for (const kind of Object.keys(childResources)) if (isChildKind(kind) && kind !== 'CommsCell') this.#reflectChildren(kind)
    this.routeParents = new RouteParents(
      (resource, copy) => this.#reflect<KubeObject, KubeKey>(resource, copy),
      namespaces,
      (concerns) => this.#notifyRealms(concerns),
    )
    this.#reflect<LivePod, PodState>(resources.Pod, {
      selector: MANAGED,
      project: podStateOf,
      onChange: (change) => this.#notifyOwner(this.pods.updatePod(change)),
    })
    this.#reflect<LiveEvent, EventProblem>(resources.Event, {
      selector: { fields: WATCHED_EVENTS },
      project: eventProblemOf,
      onChange: (change) => this.#onEvent(change),
    })
    this.synced = Promise.all(Array.from(this.#reflectors.values(), ({ synced }) => synced)).then(() => undefined)
  }

  start(): void {
    void this.#startAll()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(Array.from(this.#reflectors.values(), (reflector) => reflector.stop()))
  }

  /** Why the cache may be out of date; undefined while it is current. */
  unhealthy(): string | undefined {
    const late = [...this.#reflectors].flatMap(([kind, reflector]) => (reflector.healthy() ? [] : [kind]))
    return late.length > 0 ? `not up to date with the API server: ${late.join(', ')}` : undefined
  }

  realm(key: ObjectKey): Realm | undefined {
    return this.#currentRealm(key)?.object
  }

  cell(key: ObjectKey): CommsCell | undefined {
    return this.#currentCell(key)?.object
  }

  /** Of the status the operator applied, with its current values; undefined when the object does not exist. */
  statusFingerprint(kind: Kind, key: ObjectKey): string | undefined {
    return (kind === 'Realm' ? this.#currentRealm(key) : this.#currentCell(key))?.statusFingerprint
  }

  keys(kind: Kind): ObjectKey[] {
    return (kind === 'Realm' ? this.#realms : this.#cells).list().map(({ object: { metadata } }) => metadata)
  }

  /** The cells whose `realmRef` names a realm, by slot. */
  cellsOf(realm: ObjectKey): CommsCell[] {
    return this.#cellsByRealm
      .in(keyText(realm))
      .flatMap(({ metadata }) => this.cell(metadata) ?? [])
      .sort((a, b) => a.spec.slot - b.spec.slot)
  }

  child(key: { kind: ChildKind } & ObjectKey): Child | undefined {
    return this.#childWrites.current(childKey(key), this.#children.get(key.kind)?.get(key))
  }

  /** Whether the API server has objects of this kind. */
  serves(kind: ChildKind): boolean {
    return this.#children.get(kind)?.absence !== 'NotServed'
  }

  /** @param uid of the owner */
  childrenOf(uid: string): Child[] {
    return this.#childrenByOwner.in(uid).flatMap((child) => this.#childWrites.current(childKey(child), child) ?? [])
  }

  /** A Secret exists, which Events about pods said was missing: the owners of those pods are reconciled. */
  secretExists(secret: ObjectKey): void {
    for (const pod of this.pods.secretExists(secret)) this.#notifyOwner(pod)
  }

  /** Runs a write of an object and makes the object it returns visible at once; undefined after a removal. */
  trackWrite(kind: ChildKind | 'Realm', key: ObjectKey, write: () => Promise<KubeObject | undefined>): Promise<void> {
    if (kind === 'Realm') {
      return this.#realmWrites.track(keyText(key), async () => {
        const live = await write()
        return live && declaredRealm(live)
      })
    }
    return this.#childWrites.track(childKey({ kind, ...key }), async () => {
      const live = await write()
      return live && (kind === 'CommsCell' ? declaredCell(live) : childOf(kind, live))
    })
  }

  /** Calls the listener with every realm or cell that must be reconciled; the returned function removes it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #currentRealm(key: ObjectKey): Declared<Realm> | undefined {
    return this.#realmWrites.current(keyText(key), this.#realms.get(key))
  }

  #currentCell(key: ObjectKey): Partial<Declared<CommsCell>> | undefined {
    return this.#childWrites.current(childKey({ kind: 'CommsCell', ...key }), this.#cells.get(key))
  }

  #reflect<Live extends KubeObject, T>(
    resource: Resource,
    options: Pick<ReflectorOptions<Live, T>, 'project' | 'onChange' | 'selector' | 'optional'>,
  ): Reflector<T> {
    const { client, log, clock = systemClock, metrics, namespaces = [] } = this.#options
    const reflector = reflectNamespaces<Live, T>(resource, namespaces, { client, log, clock, metrics, ...options })
    this.#reflectors.set(resource.kind, reflector)
    return reflector
  }

  #reflectChildren(kind: Exclude<ChildKind, 'CommsCell'>): void {
    const reflector = this.#reflect(childResources[kind], {
      selector: MANAGED,
      project: (live: KubeObject) => childOf(kind, live),
      onChange: (change) => this.#onChild(change),
      ...(OPTIONAL_KINDS.has(kind) && { optional: { onChange: () => this.#notifyRealms(isAtGateway) } }),
    })
    this.#children.set(kind, reflector)
  }

  /** One after the other: all first lists at once would take several times the memory of what is kept of them. */
  async #startAll(): Promise<void> {
    for (const reflector of this.#reflectors.values()) {
      if (this.#stopped) return
      reflector.start()
      await reflector.synced
    }
  }

  #onRealm(change: CollectionChange<Declared<Realm>>): void {
    const { type, object } = change
    const { metadata } = object.object
    const key = keyText(metadata)
    for (const waiting of this.addresses.update(change)) this.#notify('Realm', waiting)
    for (const host of this.worlds.update(change)) this.#notify('Realm', host)
    if (type === 'removed') this.#realmWrites.removed(key, object)
    else if (this.#realmWrites.seen(key, object)) return // the operator's own status write needs no pass
    this.#notify('Realm', metadata)
    this.#notifyGuests(metadata)
  }

  #onCell(change: CollectionChange<CachedCell>): void {
    const { object: cell } = change.object
    const realm = { namespace: cell.metadata.namespace, name: cell.spec.realmRef.name }
    if (change.type === 'removed') this.#cellsByRealm.remove(keyText(realm), cell)
    else this.#cellsByRealm.put(keyText(realm), cell)
    this.#index(change)
    this.#notify('CommsCell', cell.metadata)
    this.#notify('Realm', realm)
  }

  #onChild(change: CollectionChange<Child>): void {
    this.#index(change)
    const { type, object: child, previous } = change
    if (type === 'changed' && previous && !childDiffers(child, previous)) return
    this.#notifyOwner(child)
    const isGatekeeper = child.owner?.kind === 'Realm' && child.workload?.component === 'gatekeeper'
    const [is, was] = [child, previous].map((seen) => (seen?.workload?.ready ?? 0) > 0)
    if (isGatekeeper && (is !== was || type === 'removed'))
      this.#notifyGuests({ namespace: child.namespace, name: child.owner?.name ?? '' })
    if (child.owner?.kind === 'Realm' && JSON.stringify(child.balancer) !== JSON.stringify(previous?.balancer))
      this.#notifyGuests({ namespace: child.namespace, name: child.owner.name })
    if (previous && previous.owner?.uid !== child.owner?.uid) this.#notifyOwner(previous)
  }

  #onEvent(change: CollectionChange<EventProblem>): void {
    if (!this.pods.updateEvent(change)) return
    const { kind, ...key } = change.object.about
    this.#notifyOwner(isChildKind(kind) ? this.child({ kind, ...key }) : this.pods.pod(key))
  }

  #index({ type, object: child, previous }: CollectionChange<Child>): void {
    const key = childKey(child)
    if (previous?.owner) this.#childrenByOwner.remove(previous.owner.uid, previous)
    if (type === 'removed') this.#childWrites.removed(key, child)
    else {
      if (child.owner) this.#childrenByOwner.put(child.owner.uid, child)
      this.#childWrites.seen(key, child)
    }
  }

  #notifyOwner(owned: { owner: { kind: Kind; name: string } | undefined; namespace: string } | undefined): void {
    if (owned?.owner) this.#notify(owned.owner.kind, { namespace: owned.namespace, name: owned.owner.name })
  }

  #notifyRealms(concerns: (realm: Realm) => boolean): void {
    for (const { object } of this.#realms.list()) if (concerns(object)) this.#notify('Realm', object.metadata)
  }

  /** The worlds that use the gatekeeper of a realm. */
  #notifyGuests(host: ObjectKey): void {
    for (const { metadata } of this.worlds.guestsOf(host)) this.#notify('Realm', metadata)
  }

  #notify(kind: Kind, { namespace, name }: ObjectKey): void {
    for (const listener of this.#listeners) listener(kind, { namespace, name })
  }
}

const isAtGateway = ({ spec }: Realm): boolean => spec.exposure?.type === 'Gateway'
