import type { Clock } from '../../../cells/chassis/clock.ts'
import { messageOf } from '../../../cells/chassis/errors.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { Tracer } from '../../../cells/chassis/tracing.ts'
import type { KubeClient } from '../../../cells/kube/kube-client.ts'
import type { ObjectKey, ObjectMeta } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'
import type { CreatedSecret, GeneratedSecret, KubeManifest } from '../../desired/manifests/kube-manifest.ts'
import { WORLDS_ANNOTATION } from '../../desired/naming.ts'
import { DELETION_COST_ANNOTATION } from '../../desired/scale/pod-removal.ts'
import type { EventRecorder } from '../../events/recorder.ts'
import type { Leadership } from '../../leader/leadership.ts'
import type { Cache } from '../cache/cache.ts'
import { type Child, childKey } from '../cache/child.ts'
import { ChildWriter } from './child-writer.ts'
import { FencedApi } from './fenced-api.ts'
import { LastApplied } from './last-applied.ts'
import { type SecretUsers, SecretWriter } from './secret-writer.ts'
import { StatusWriter } from './status-writer.ts'
import type { ReportedStatus } from './transition-times.ts'
import { WriteLimiter } from './write-limiter.ts'
import type { WriterMetrics } from './writer-metrics.ts'

/** Metrics and a recorder are optional: without them nothing is counted or announced. */
export interface WriterOptions {
  client: Pick<KubeClient, 'apply' | 'create' | 'get' | 'merge' | 'remove'>
  cache: Pick<Cache, 'child' | 'serves' | 'statusFingerprint' | 'trackWrite'>
  leadership: Leadership
  log: Log
  clock: Clock
  /** Announces what was written as Events. */
  recorder?: Pick<EventRecorder, 'record'> | undefined
  metrics?: WriterMetrics | undefined
  tracer?: Tracer | undefined
}

/**
 * The only writer to the cluster: writes what differs, under one field manager, only while leading, and no object again and
 * again.
 */
export class Writer {
  readonly #api: FencedApi
  readonly #limiter: WriteLimiter
  readonly #lastApplied = new LastApplied()
  readonly #children: ChildWriter
  readonly #secrets: SecretWriter
  readonly #statuses: StatusWriter
  readonly #log: Log

  constructor({ client, leadership, clock, tracer, ...shared }: WriterOptions) {
    this.#api = new FencedApi(client, leadership, tracer)
    this.#limiter = new WriteLimiter({ clock, recorder: shared.recorder, metrics: shared.metrics })
    this.#log = shared.log
    const parts = { ...shared, clock, api: this.#api, limiter: this.#limiter, lastApplied: this.#lastApplied }
    this.#children = new ChildWriter(parts)
    this.#secrets = new SecretWriter(parts)
    this.#statuses = new StatusWriter(parts)
  }

  /** @throws Refusal FORBIDDEN when an object the operator did not create has its name */
  apply(manifest: KubeManifest): Promise<void> {
    return this.#children.apply(manifest)
  }

  remove(child: Child): Promise<void> {
    return this.#children.remove(child)
  }

  reportStatus(kind: Kind, metadata: ObjectMeta, before: ReportedStatus | undefined, status: ReportedStatus): Promise<void> {
    return this.#statuses.report(kind, metadata, before, status)
  }

  createSecret(secret: GeneratedSecret | CreatedSecret): Promise<void> {
    return this.#secrets.create(secret)
  }

  /** Resolves with whether the Secret is there now. */
  restoreSecret(secret: GeneratedSecret, users: SecretUsers): Promise<boolean> {
    return this.#secrets.restore(secret, users)
  }

  /**
   * Sets the pod deletion cost; undefined = none. A failure is logged and not thrown: the pods to remove are then chosen by
   * Kubernetes.
   */
  async setDeletionCost({ namespace, name }: ObjectKey, cost: string | undefined): Promise<void> {
    try {
      await this.#api.annotatePod({ namespace, name }, { [DELETION_COST_ANNOTATION]: cost ?? null })
      this.#log.info({ namespace, name, cost }, 'set the deletion cost of a pod')
    } catch (error) {
      this.#log.warn({ namespace, name, error: messageOf(error) }, 'could not set the deletion cost of a pod')
    }
  }

  /**
   * Has the kubelets of pods of a gatekeeper update its file of worlds now, and not within a minute. A failure is logged and not thrown: the
   * file is updated all the same.
   */
  async announceWorlds({ namespace, name }: ObjectKey, version: string): Promise<void> {
    try {
      await this.#api.annotatePod({ namespace, name }, { [WORLDS_ANNOTATION]: version })
      this.#log.debug({ namespace, name, version }, 'announced other worlds to a pod')
    } catch (error) {
      this.#log.warn({ namespace, name, error: messageOf(error) }, 'could not announce other worlds to a pod')
    }
  }

  /** Drops the records about a realm or cell that was deleted. */
  forget(owner: { kind: Kind } & ObjectKey): void {
    this.#lastApplied.forget(childKey(owner))
  }

  /** Calls the listener with the owner of a delayed write when it is due; the returned function removes it. */
  onRequeue(listener: (kind: Kind, key: ObjectKey) => void): () => void {
    return this.#limiter.onRequeue(listener)
  }
}
