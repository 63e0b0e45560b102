import type { Clock } from '../../../cells/chassis/clock.ts'
import { Refusal } from '../../../cells/chassis/errors.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { isStatus } from '../../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { Resource } from '../../../cells/kube/resources.ts'
import type { OwnerReference } from '../../../crds/object.ts'
import type { KubeManifest } from '../../desired/manifests/kube-manifest.ts'
import { MANAGER } from '../../desired/naming.ts'
import type { EventNote } from '../../events/event-reasons.ts'
import type { EventRecorder } from '../../events/recorder.ts'
import type { Cache } from '../cache/cache.ts'
import { type Child, childKey, childResources, isChildKind } from '../cache/child.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { isAppliedBy } from '../managed-fields.ts'
import type { FencedApi } from './fenced-api.ts'
import type { LastApplied } from './last-applied.ts'
import type { Owner, WriteLimiter } from './write-limiter.ts'
import type { WriterMetrics } from './writer-metrics.ts'

/** What the writers of children and of status share. */
export interface WriteParts {
  api: FencedApi
  cache: Pick<Cache, 'child' | 'serves' | 'statusFingerprint' | 'trackWrite'>
  limiter: WriteLimiter
  lastApplied: LastApplied
  clock: Clock
  log: Log
  recorder?: Pick<EventRecorder, 'record'> | undefined
  metrics?: WriterMetrics | undefined
}

/** Applies and removes the objects the operator creates for a realm or a cell. */
export class ChildWriter {
  readonly #parts: WriteParts

  constructor(parts: WriteParts) {
    this.#parts = parts
  }

  /**
   * Writes an object unless it is as desired already.
   * @throws Refusal FORBIDDEN when an object the operator did not create has its name, UNAVAILABLE when the API server lacks its kind
   */
  async apply(manifest: KubeManifest): Promise<void> {
    const { cache, limiter, lastApplied, log } = this.#parts
    const { kind } = manifest
    const { namespace, name, ownerReferences = [] } = manifest.metadata
    if (!isChildKind(kind)) throw new Error(`the operator does not apply objects of kind ${kind}`)
    if (!cache.serves(kind))
      throw new Refusal('UNAVAILABLE', `this cluster has no Gateway API, so ${kind} ${namespace}/${name} cannot be created`)
    const live = cache.child({ kind, namespace, name })
    if (live?.deleting) return // its removal starts a new pass, which creates it again
    const owner = ownerOf(namespace, ownerReferences)
    const [ownerId, id] = [owner ? childKey(owner) : '', `${kind}/${name}`]
    const desired = fingerprintOf(manifest)
    if (live && lastApplied.isUpToDate(ownerId, id, desired, live.fingerprint))
      return this.#record(owner, id, desired, live.fingerprint)
    const isRepair = lastApplied.wasApplied(ownerId, id, desired)
    if (!limiter.allows(kind, { namespace, name }, owner, isRepair)) return
    await cache.trackWrite(kind, { namespace, name }, () => this.#write(childResources[kind], manifest, live))
    this.#record(owner, id, desired, cache.child({ kind, namespace, name })?.fingerprint ?? desired)
    log.info({ kind, namespace, name, created: !live, repaired: isRepair }, 'applied an object')
    this.#announce(owner, { kind, name, created: !live, isRepair })
  }

  /** Removes an object the operator created; another object that has its name by now is left alone. */
  async remove({ kind, namespace, name, uid, owner: parent }: Child): Promise<void> {
    const { api, cache, limiter, lastApplied, log, recorder } = this.#parts
    const owner = parent && { ...parent, namespace }
    if (!limiter.allows(kind, { namespace, name }, owner)) return
    await cache.trackWrite(kind, { namespace, name }, async () => {
      try {
        await api.remove(childResources[kind], { namespace, name }, uid)
      } catch (error) {
        if (!isStatus(error, 409)) throw error // 409: the object with this uid is gone already
      }
      return undefined
    })
    if (owner) lastApplied.forget(childKey(owner), `${kind}/${name}`)
    log.info({ kind, namespace, name }, 'removed an object')
    if (owner && kind === 'CommsCell')
      recorder?.record(owner, { reason: 'CellRemoved', note: `the operator removed the cell ${name}` })
  }

  #write(resource: Resource, manifest: KubeManifest, live: Child | undefined): Promise<KubeObject> {
    // Compared by name, not by uid: an object left behind by a realm of the same name is taken over before it is
    // garbage-collected.
    const isOurs = manifest.metadata.ownerReferences?.some(
      (reference) => reference.kind === live?.owner?.kind && reference.name === live.owner.name,
    )
    return isOurs ? this.#parts.api.apply(resource, manifest, true) : this.#create(resource, manifest)
  }

  /**
   * Applies without force, so that an object of another client is refused with a 409 and not taken over. Objects of some kinds may agree
   * with every field of the operator and still belong to another client: those are looked up first.
   */
  async #create(resource: Resource, manifest: KubeManifest): Promise<KubeObject> {
    const { api } = this.#parts
    if (MAY_AGREE.has(manifest.kind)) {
      const existing = await api.get(resource, manifest.metadata)
      if (existing) return this.#takeOver(resource, manifest, existing)
    }
    try {
      return await api.apply(resource, manifest, false)
    } catch (error) {
      const existing = isStatus(error, 409) ? await api.get(resource, manifest.metadata) : undefined
      if (!existing) throw error
      return this.#takeOver(resource, manifest, existing, error)
    }
  }

  /** @throws Refusal FORBIDDEN when the operator did not create the object */
  #takeOver(resource: Resource, manifest: KubeManifest, existing: KubeObject, cause?: unknown): Promise<KubeObject> {
    const { namespace, name } = manifest.metadata
    if (!wasCreatedFor(manifest, existing))
      throw new Refusal('FORBIDDEN', `${resource.kind} ${namespace}/${name} exists and was not created by this operator`, {
        cause,
      })
    return this.#parts.api.apply(resource, manifest, true)
  }

  /** Not for an owner that was deleted during the write: its entries would never be forgotten. */
  #record(owner: Owner | undefined, id: string, desired: string, live: string): void {
    const { cache, lastApplied } = this.#parts
    if (owner && cache.statusFingerprint(owner.kind, owner) !== undefined) lastApplied.record(childKey(owner), id, desired, live)
  }

  #announce(owner: Owner | undefined, write: ChildWrite): void {
    const { recorder, metrics } = this.#parts
    if (write.isRepair) metrics?.repairs.inc({ kind: write.kind })
    const note = noteOf(write)
    if (owner && note) recorder?.record(owner, note)
  }
}

/** A ServiceAccount has no spec, an Ingress and an HTTPRoute none that they need, a claim of a user may well have the same size, and a ConfigMap other keys. */
const MAY_AGREE = new Set(['ServiceAccount', 'Ingress', 'HTTPRoute', 'PersistentVolumeClaim', 'ConfigMap'])

/** Whether the operator created an object for the owner of a manifest: it names that owner, or lost its owner to another client. */
function wasCreatedFor({ metadata: { ownerReferences = [] } }: KubeManifest, { metadata }: KubeObject): boolean {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller)
  return controller
    ? ownerReferences.some(
        ({ apiVersion, kind, name }) =>
          apiVersion === controller.apiVersion && kind === controller.kind && name === controller.name,
      )
    : isAppliedBy({ metadata }, MANAGER)
}

interface ChildWrite {
  kind: string
  name: string
  created: boolean
  isRepair: boolean
}

function noteOf({ kind, name, created, isRepair }: ChildWrite): EventNote | undefined {
  if (isRepair) {
    const change = created ? 'deleted' : 'changed'
    return { reason: 'DriftRepaired', note: `another client ${change} ${kind} ${name}; the operator restored it` }
  }
  return created && kind === 'CommsCell' ? { reason: 'CellCreated', note: `the operator created the cell ${name}` } : undefined
}

/** The realm or cell among the owner references of an object. */
export function ownerOf(namespace: string, references: readonly OwnerReference[] = []): Owner | undefined {
  const owner = references.find(({ controller }) => controller)
  if (owner?.kind !== 'Realm' && owner?.kind !== 'CommsCell') return undefined
  return { kind: owner.kind, namespace, name: owner.name, uid: owner.uid }
}
