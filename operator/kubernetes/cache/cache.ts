import { type Clock, systemClock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { KubeMetrics } from '../../../cells/kube/kube-metrics.ts'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { type Change, createReflector, type Reflector, type ReflectorOptions } from '../../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../../cells/kube/resources.ts'
import type { Transport } from '../../../cells/kube/transport.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Kind } from '../../../crds/resources.ts'
import { realmResource } from '../../../crds/resources.ts'
import { MANAGER } from '../../desired/naming.ts'
import { canonicalHash } from '../fingerprint.ts'
import { managedPart } from '../managed-fields.ts'
import { type Child, type ChildKind, childDiffers, childKey, childOf, childResources, isChildKind } from './child.ts'
import { Index } from './index-by.ts'
import { type LiveEvent, type LivePod, MOUNT_EVENTS, mountProblemOf, type PodProblem, type PodState, podStateOf } from './pod.ts'
import { ReadYourWrites } from './read-your-writes.ts'

/** An object people declare, as last seen. */
interface Declared<T extends Realm | CommsCell> {
  uid: string
  resourceVersion: string
  object: T
  /** Fingerprint of the status we wrote, with the values it has now. */
  reported: string
}

/** What the operator knows of the cluster, from memory. What it wrote itself it knows before the API server tells. */
export interface Cache extends Running {
  start(): void
  /** Resolves once everything was seen for the first time. */
  readonly synced: Promise<void>
  /** Why what is known may be old; nothing while all is well. */
  unhealthy(): string | undefined
  realm(key: ObjectKey): Realm | undefined
  cell(key: ObjectKey): CommsCell | undefined
  /** Fingerprint of the status we wrote, with the values it has now; nothing when the object is not there. */
  statusFingerprint(kind: Kind, key: ObjectKey): string | undefined
  keys(kind: Kind): ObjectKey[]
  /** The cells that say they belong to a realm, by slot. */
  cellsOf(realm: ObjectKey): CommsCell[]
  child(key: { kind: ChildKind } & ObjectKey): Child | undefined
  /** What a realm or cell owns. */
  childrenOf(uid: string): Child[]
  /** What keeps a pod of a part of a realm or cell from becoming ready. */
  problemOf(owner: { kind: Kind } & ObjectKey, component: string): PodProblem | undefined
  /** Pods of a part of a realm or cell, those on their way out among them. */
  podsOf(owner: { kind: Kind } & ObjectKey, component: string): PodState[]
  /** Runs a write of an object and takes in what it left behind; nothing after a removal. */
  trackWrite(kind: ChildKind | 'Realm', key: ObjectKey, write: () => Promise<KubeObject | undefined>): Promise<void>
  onChange(listener: (kind: Kind, key: ObjectKey) => void): () => void
}

/** What a cache is made of. */
export interface CacheOptions {
  transport: Pick<Transport, 'list' | 'watch'>
  log: Log
  clock?: Clock
  metrics?: KubeMetrics | undefined
  /** Only this namespace; all when empty. */
  namespace?: string
}

const reportedIn = (live: KubeObject): string => canonicalHash(managedPart(live, MANAGER, 'status').status)

const asRealm = (live: KubeObject): Declared<Realm> => ({
  uid: live.metadata.uid ?? '',
  resourceVersion: live.metadata.resourceVersion ?? '',
  object: live as unknown as Realm,
  reported: reportedIn(live),
})

/** A cell is a child of its realm and declared at once. */
const asCell = (live: KubeObject): Child & Declared<CommsCell> => ({
  ...childOf('CommsCell', live),
  object: live as unknown as CommsCell,
  reported: reportedIn(live),
})

/** Watches everything the operator must know, one small copy of each object. Secrets are not among it. */
export function createCache({ transport, log, clock = systemClock, metrics, namespace }: CacheOptions): Cache {
  const listeners = new Set<(kind: Kind, key: ObjectKey) => void>()
  const realmWrites = new ReadYourWrites<Declared<Realm>>(clock)
  const childWrites = new ReadYourWrites<Child & Partial<Declared<CommsCell>>>(clock)
  const byOwner = new Index<Child>(childKey)
  const cellsByRealm = new Index<CommsCell>(({ metadata }) => keyText(metadata))
  const podsByPart = new Index<PodState>(keyText)
  const mountProblems = new Map<string, PodProblem>()
  const managed = { labels: `app.kubernetes.io/managed-by=${MANAGER}` }
  const reflectors = new Map<string, Reflector<unknown>>()
  let stopped = false

  function reflect<Live extends KubeObject, T>(
    resource: (typeof resources)[keyof typeof resources] | typeof realmResource | (typeof childResources)[ChildKind],
    options: Pick<ReflectorOptions<Live, T>, 'project' | 'onChange' | 'selector'>,
  ): Reflector<T> {
    const path = collectionPath(resource, namespace)
    const reflector = createReflector<Live, T>({ transport, path, log, clock, metrics, ...options })
    reflectors.set(resource.kind, reflector)
    return reflector
  }

  const tell = (kind: Kind, { namespace, name }: ObjectKey) => {
    for (const listener of listeners) listener(kind, { namespace, name })
  }
  const tellOwner = ({ owner, namespace }: { owner: { kind: Kind; name: string } | undefined; namespace: string }) => {
    if (owner) tell(owner.kind, { namespace, name: owner.name })
  }

  const realms = reflect(realmResource, {
    project: asRealm,
    onChange({ type, object: { object }, object: seen }) {
      const key = keyText(object.metadata)
      if (type === 'removed') realmWrites.gone(key, seen)
      else if (realmWrites.seen(key, seen)) return // our own report; nobody need look at what we just said
      tell('Realm', object.metadata)
    },
  })
  const cells = reflect(childResources.CommsCell, {
    project: asCell,
    onChange(change: Change<Child & Declared<CommsCell>>) {
      const { object: cell } = change.object
      const realm = { namespace: cell.metadata.namespace, name: cell.spec.realmRef.name }
      if (change.type === 'removed') cellsByRealm.remove(keyText(realm), cell)
      else cellsByRealm.put(keyText(realm), cell)
      follow(change)
      tell('CommsCell', cell.metadata)
      tell('Realm', realm)
    },
  })
  const children = new Map<ChildKind, Reflector<Child>>([['CommsCell', cells]])
  for (const [kind, resource] of Object.entries(childResources)) {
    if (!isChildKind(kind) || kind === 'CommsCell') continue
    const reflector = reflect(resource, {
      selector: managed,
      project: (live: KubeObject) => childOf(kind, live),
      onChange(change: Change<Child>) {
        follow(change)
        if (change.type === 'changed' && change.previous && !childDiffers(change.object, change.previous)) return
        tellOwner(change.object)
        if (change.previous && change.previous.owner?.uid !== change.object.owner?.uid) tellOwner(change.previous)
      },
    })
    children.set(kind, reflector)
  }
  reflect(resources.Pod, {
    selector: managed,
    project: (live: LivePod) => podStateOf(live),
    onChange({ type, object: pod, previous }: Change<PodState>) {
      if (previous) podsByPart.remove(partOf(previous), previous)
      if (type === 'removed') mountProblems.delete(keyText(pod))
      else podsByPart.put(partOf(pod), pod)
      if (type !== 'changed' || pod.ready !== previous?.ready || pod.problem?.message !== previous.problem?.message)
        tellOwner(pod)
    },
  })
  reflect(resources.Event, {
    selector: { fields: MOUNT_EVENTS },
    project: ({ involvedObject: { namespace = '', name = '' }, ...event }: LiveEvent) => ({
      pod: { namespace, name },
      problem: mountProblemOf({ ...event, involvedObject: {} }),
    }),
    onChange({ type, object: { pod, problem } }) {
      if (!problem) return
      if (type === 'removed') mountProblems.delete(keyText(pod))
      else mountProblems.set(keyText(pod), problem)
      const known = podsByPart.find(keyText(pod))
      if (known) tellOwner(known)
    },
  })

  function follow({ type, object, previous }: Change<Child>): void {
    const key = childKey(object)
    if (previous?.owner) byOwner.remove(previous.owner.uid, previous)
    if (type === 'removed') childWrites.gone(key, object)
    else {
      if (object.owner) byOwner.put(object.owner.uid, object)
      childWrites.seen(key, object)
    }
  }

  /** One after the other: all first lists at once would take several times the memory of what is kept of them. */
  async function startAll(): Promise<void> {
    for (const reflector of reflectors.values()) {
      if (stopped) return
      reflector.start()
      await reflector.synced
    }
  }

  const currentRealm = (key: ObjectKey) => realmWrites.current(keyText(key), realms.get(key))
  const currentCell = (key: ObjectKey) => childWrites.current(childKey({ kind: 'CommsCell', ...key }), cells.get(key))
  const synced = Promise.all(Array.from(reflectors.values(), (reflector) => reflector.synced)).then(() => undefined)
  return {
    start() {
      void startAll()
    },
    synced,
    unhealthy() {
      const late = [...reflectors].flatMap(([kind, reflector]) => (reflector.healthy() ? [] : [kind]))
      return late.length > 0 ? `not up to date with the API server: ${late.join(', ')}` : undefined
    },
    realm: (key) => currentRealm(key)?.object,
    cell: (key) => currentCell(key)?.object,
    statusFingerprint: (kind, key) => (kind === 'Realm' ? currentRealm(key) : currentCell(key))?.reported,
    keys: (kind) => (kind === 'Realm' ? realms : cells).list().map(({ object: { metadata } }) => metadata),
    cellsOf: (realm) =>
      cellsByRealm
        .of(keyText(realm))
        .flatMap(({ metadata }) => currentCell(metadata)?.object ?? [])
        .sort((a, b) => a.spec.slot - b.spec.slot),
    child: (key) => childWrites.current(childKey(key), children.get(key.kind)?.get(key)),
    childrenOf: (uid) => byOwner.of(uid).flatMap((child) => childWrites.current(childKey(child), child) ?? []),
    problemOf(owner, component) {
      for (const pod of podsByPart.of(`${childKey(owner)}/${component}`)) {
        const problem = pod.problem ?? (pod.ready ? undefined : mountProblems.get(keyText(pod)))
        if (problem) return problem
      }
      return undefined
    },
    podsOf: (owner, component) => podsByPart.of(`${childKey(owner)}/${component}`),
    trackWrite(kind, key, write) {
      if (kind === 'Realm') {
        return realmWrites.during(keyText(key), async () => {
          const live = await write()
          return live && asRealm(live)
        })
      }
      return childWrites.during(childKey({ kind, ...key }), async () => {
        const live = await write()
        return live && (kind === 'CommsCell' ? asCell(live) : childOf(kind, live))
      })
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      stopped = true
      await Promise.all(Array.from(reflectors.values(), (reflector) => reflector.stop()))
    },
  }
}

const partOf = ({ owner, namespace, component }: PodState): string =>
  owner ? `${childKey({ ...owner, namespace })}/${component}` : ''
