import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { messageOf, Refusal } from '../../../cells/chassis/errors.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { isStatus, KubeError } from '../../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import type { Transport } from '../../../cells/kube/transport.ts'
import type { ObjectKey, ObjectMeta, OwnerReference } from '../../../crds/object.ts'
import { API_VERSION, type RealmStatus } from '../../../crds/realm.ts'
import type { Kind } from '../../../crds/resources.ts'
import { cellResource, realmResource } from '../../../crds/resources.ts'
import type { Manifest, MintedSecret } from '../../desired/manifests/manifest.ts'
import { MANAGER } from '../../desired/naming.ts'
import { DELETION_COST } from '../../desired/scale/shrink.ts'
import type { EventNote } from '../../events/event-reasons.ts'
import { blockerEvents, realmEvents } from '../../events/notes.ts'
import type { EventSubject, Recorder } from '../../events/recorder.ts'
import type { Leadership } from '../../leader/elector.ts'
import type { Cache } from '../cache/cache.ts'
import { type Child, childKey, childResources, isChildKind } from '../cache/child.ts'
import { canonicalHash, fingerprintOf } from '../fingerprint.ts'
import { LastApplied } from './last-applied.ts'
import { createRequeue } from './requeue.ts'
import { keepTransitionTimes, type ReportedStatus, withoutTransitionTimes } from './transition-times.ts'
import { createWriteBudget } from './write-budget.ts'
import type { WriterMetrics } from './writer-metrics.ts'

/** The realm or cell an object is written for. */
type Owner = EventSubject

/** The only one who writes to the cluster. Each verb first looks whether there is anything to write. */
export interface Writer {
  /** Makes an object be as it should. @throws Refusal FORBIDDEN when its name is taken by what is not ours */
  apply(manifest: Manifest): Promise<void>
  /** Makes a Secret up where none is; one that is there is neither read nor changed. */
  createSecret(secret: MintedSecret): Promise<void>
  /** Says which deletion cost a pod has; nothing = none. What cannot be said is left out: nobody waits for it. */
  setDeletionCost(pod: ObjectKey, cost: string | undefined): Promise<void>
  /** Removes an object of ours; another one that came to its name is left alone. */
  remove(child: Child): Promise<void>
  /** Writes the status of an object people declared. */
  reportStatus(kind: Kind, metadata: ObjectMeta, before: ReportedStatus | undefined, status: ReportedStatus): Promise<void>
  /** Sets which finalizers of ours a realm has; others' stay. */
  setFinalizers(realm: ObjectMeta, finalizers: readonly string[]): Promise<void>
  /** Forgets what it remembers of a realm or cell that is gone. */
  forget(owner: { kind: Kind } & ObjectKey): void
  /** Tells when something that was not written for the time being may be written. */
  onRequeue(listener: (kind: Kind, key: ObjectKey) => void): () => void
}

/** What a writer is made of. */
export interface WriterOptions {
  transport: Pick<Transport, 'apply' | 'create' | 'get' | 'merge' | 'remove'>
  cache: Pick<Cache, 'child' | 'statusFingerprint' | 'trackWrite'>
  leadership: Leadership
  log: Log
  clock: Clock
  /** Who tells people what was written; nobody unless given. */
  recorder?: Pick<Recorder, 'record'> | undefined
  metrics?: WriterMetrics | undefined
}

/** Writes what differs, under one field manager, only while leading, and no object again and again. */
export function createWriter({ transport, cache, leadership, log, clock, recorder, metrics }: WriterOptions): Writer {
  const wishes = new LastApplied()
  const budget = createWriteBudget(clock)
  const wakes = createRequeue(clock)

  /** Whether an object may be written now; if not, its owner is looked at again when it may. */
  function mayWrite(kind: string, key: ObjectKey, owner: Owner | undefined, isRepair = false): boolean {
    const waitMs = budget.take(childKey({ kind, ...key }), isRepair)
    if (waitMs === 0) return true
    metrics?.delayed.inc({ kind })
    if (owner) wakes.later(owner.kind, owner, waitMs)
    // A Secret is asked for anew by each pass that finds nobody who mounts it: that is nobody's doing.
    if (owner && isRepair && kind !== 'Secret') {
      const note = `another client keeps changing ${kind} ${key.name}; the operator restores it at most twice in 10 s: find and stop that client`
      recorder?.record(owner, { reason: 'RepairRateLimited', note })
    }
    return false
  }

  /** Keeps in mind what an object was made to be; not for an owner who went while it was written: nobody would forget it again. */
  function remember(owner: Owner | undefined, id: string, wish: string, got: string): void {
    if (owner && cache.statusFingerprint(owner.kind, owner) !== undefined) wishes.met(childKey(owner), id, wish, got)
  }

  async function applyNew(resource: Resource, manifest: Manifest): Promise<KubeObject> {
    try {
      return await applied(resource, manifest, false)
    } catch (error) {
      if (!isStatus(error, 409)) throw error
      const there = await transport.get<KubeObject>(resource, manifest.metadata)
      const mine = manifest.metadata.ownerReferences?.some(({ uid }) =>
        there?.metadata.ownerReferences?.some((owner) => owner.uid === uid),
      )
      const { namespace, name } = manifest.metadata
      if (there && !mine)
        throw new Refusal('FORBIDDEN', `${resource.kind} ${namespace}/${name} is there and was not made by this operator`, {
          cause: error,
        })
      return applied(resource, manifest, true)
    }
  }

  const applied = async (resource: Resource, manifest: KubeObject, force: boolean, subresource?: 'status'): Promise<KubeObject> =>
    transport.apply<KubeObject>(resource, manifest, {
      fieldManager: MANAGER,
      force,
      ...(subresource && { subresource }),
      ...(await leadership.fence()),
    })

  return {
    async apply(manifest) {
      const { kind } = manifest
      const { namespace, name, ownerReferences = [] } = manifest.metadata
      if (!isChildKind(kind)) throw new Error(`${kind} is no kind of ours to apply`)
      const live = cache.child({ kind, namespace, name })
      if (live?.deleting) return // it comes back once it is gone, and its going wakes us
      const owner = ownerOf(namespace, ownerReferences)
      const [ownerId, id] = [owner ? childKey(owner) : '', `${kind}/${name}`]
      const wish = fingerprintOf(manifest)
      if (live && wishes.isMet(ownerId, id, wish, live.fingerprint)) return remember(owner, id, wish, live.fingerprint)
      const isRepair = wishes.wasMet(ownerId, id, wish)
      if (!mayWrite(kind, { namespace, name }, owner, isRepair)) return
      // By name, not by uid: what a realm of the same name left behind is taken over before it is collected.
      const isOurs = ownerReferences.some(
        (reference) => reference.kind === live?.owner?.kind && reference.name === live.owner.name,
      )
      await cache.trackWrite(kind, { namespace, name }, () =>
        isOurs ? applied(childResources[kind], manifest, true) : applyNew(childResources[kind], manifest),
      )
      remember(owner, id, wish, cache.child({ kind, namespace, name })?.fingerprint ?? wish)
      log.info({ kind, namespace, name, created: !live, repaired: isRepair }, 'applied an object')
      if (isRepair) metrics?.repairs.inc({ kind })
      const news = newsOfApply({ kind, name, created: !live, isRepair })
      if (owner && news) recorder?.record(owner, news)
    },

    async createSecret({ metadata, keys }) {
      if (!mayWrite('Secret', metadata, ownerOf(metadata.namespace, metadata.ownerReferences), true)) return
      // A letter first, so that no configuration file takes it for a number.
      const stringData = Object.fromEntries(keys.map((key) => [key, `k${randomBytes(20).toString('hex')}`]))
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData }
      try {
        await transport.create(resources.Secret, secret, { fieldManager: MANAGER, ...(await leadership.fence()) })
        log.info({ namespace: metadata.namespace, name: metadata.name }, 'made a Secret up')
      } catch (error) {
        if (!isStatus(error, 409)) throw error
      }
    },

    async setDeletionCost({ namespace, name }, cost) {
      const metadata = { annotations: { [DELETION_COST]: cost ?? null } }
      try {
        await transport.merge(
          resources.Pod,
          { namespace, name },
          { metadata },
          { fieldManager: MANAGER, ...(await leadership.fence()) },
        )
        log.info({ namespace, name, cost }, 'marked a pod')
      } catch (error) {
        log.warn({ namespace, name, error: messageOf(error) }, 'a pod could not be marked')
      }
    },

    async remove({ kind, namespace, name, uid, owner: parent }) {
      const owner = parent && { ...parent, namespace }
      if (!mayWrite(kind, { namespace, name }, owner)) return
      await cache.trackWrite(kind, { namespace, name }, async () => {
        try {
          await transport.remove(childResources[kind], { namespace, name }, { uid, ...(await leadership.fence()) })
        } catch (error) {
          if (!isStatus(error, 409)) throw error // 409: the one we meant is gone already
        }
        return undefined
      })
      if (owner) wishes.forget(childKey(owner), `${kind}/${name}`)
      log.info({ kind, namespace, name }, 'removed an object')
      if (owner && kind === 'CommsCell')
        recorder?.record(owner, { reason: 'CellRemoved', note: `the operator removed the cell ${name}` })
    },

    async reportStatus(kind, { namespace, name, uid }, before, status) {
      const dated = keepTransitionTimes(status, before)
      const reported = cache.statusFingerprint(kind, { namespace, name })
      if (reported === undefined || reported === canonicalHash(dated)) return
      const owner = { kind, namespace, name, uid: uid ?? '' }
      const [id, wish] = [childKey(owner), canonicalHash(withoutTransitionTimes(status))]
      if (!mayWrite(`${kind}/status`, { namespace, name }, owner, wishes.wasMet(id, 'status', wish))) return
      const resource = kind === 'Realm' ? realmResource : cellResource
      // The uid makes sure that nobody else who came to the same name is meant.
      const body = { apiVersion: API_VERSION, kind, metadata: { name, namespace, ...(uid && { uid }) }, status: dated }
      try {
        await cache.trackWrite(kind, { namespace, name }, () => applied(resource, body, true, 'status'))
      } catch (error) {
        if (isGone(error)) return
        throw error
      }
      remember(owner, 'status', wish, wish)
      const news = kind === 'Realm' ? realmEvents(before, status as RealmStatus) : blockerEvents(before, status)
      for (const each of news) recorder?.record(owner, each)
    },

    async setFinalizers({ namespace, name, uid = '' }, finalizers) {
      if (!mayWrite('Realm', { namespace, name }, { kind: 'Realm', namespace, name, uid })) return
      const metadata = { name, namespace, uid, ...(finalizers.length > 0 && { finalizers: [...finalizers] }) }
      try {
        await cache.trackWrite('Realm', { namespace, name }, () =>
          applied(realmResource, { apiVersion: API_VERSION, kind: 'Realm', metadata }, true),
        )
      } catch (error) {
        if (!isGone(error)) throw error
      }
    },

    forget: (owner) => wishes.forget(childKey(owner)),
    onRequeue: wakes.onWake,
  }
}

/** Whose child an object is to be. */
function ownerOf(namespace: string, references: readonly OwnerReference[] = []): Owner | undefined {
  const owner = references.find(({ controller }) => controller)
  if (owner?.kind !== 'Realm' && owner?.kind !== 'CommsCell') return undefined
  return { kind: owner.kind, namespace, name: owner.name, uid: owner.uid }
}

function newsOfApply(done: { kind: string; name: string; created: boolean; isRepair: boolean }): EventNote | undefined {
  const { kind, name, created, isRepair } = done
  if (isRepair) {
    const what = created ? 'deleted' : 'changed'
    return { reason: 'DriftRepaired', note: `another client ${what} ${kind} ${name}; the operator restored it` }
  }
  return created && kind === 'CommsCell' ? { reason: 'CellCreated', note: `the operator created the cell ${name}` } : undefined
}

const isGone = (error: unknown): boolean => error instanceof KubeError && (error.status === 404 || error.status === 409)
