import { noTracer, type Tracer } from '../../../cells/chassis/tracing.ts'
import type { KubeClient } from '../../../cells/kube/kube-client.ts'
import { isStatus, KubeError } from '../../../cells/kube/kube-error.ts'
import type { KubeKey, KubeObject } from '../../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { MANAGER, RESTARTED_ANNOTATION } from '../../desired/naming.ts'
import type { Leadership, WriteFence } from '../../leader/leadership.ts'

/**
 * Requests to the API server under the operator's field manager; each write is sent only while the operator leads.
 * @throws NotLeading
 */
export class FencedApi {
  readonly #client: Pick<KubeClient, 'apply' | 'create' | 'get' | 'merge' | 'remove'>
  readonly #leadership: Leadership
  readonly #tracer: Tracer

  constructor(
    client: Pick<KubeClient, 'apply' | 'create' | 'get' | 'merge' | 'remove'>,
    leadership: Leadership,
    tracer: Tracer = noTracer,
  ) {
    this.#client = client
    this.#leadership = leadership
    this.#tracer = tracer
  }

  get(resource: Resource, key: ObjectKey): Promise<KubeObject | undefined> {
    return this.#client.get<KubeObject>(resource, key)
  }

  /** Server-side apply; `force` takes fields over from other managers, without it their disagreement is a 409. */
  async apply(resource: Resource, object: KubeObject, force: boolean, subresource?: 'status'): Promise<KubeObject> {
    return this.#write(subresource ? 'applyStatus' : 'apply', resource, object.metadata, (fence) =>
      this.#client.apply<KubeObject>(resource, object, {
        fieldManager: MANAGER,
        force,
        ...(subresource && { subresource }),
        ...fence,
      }),
    )
  }

  async createSecret(secret: KubeObject): Promise<void> {
    await this.#write('create', resources.Secret, secret.metadata, (fence) =>
      this.#client.create(resources.Secret, secret, { fieldManager: MANAGER, ...fence }),
    )
  }

  /** Whether no Secret has this name, as the API server answers a creation that it does not carry out: nothing has to be read. */
  async isSecretMissing(secret: KubeObject): Promise<boolean> {
    const options = { fieldManager: MANAGER, dryRun: true, ...(await this.#leadership.fence()) }
    try {
      await this.#client.create(resources.Secret, secret, options)
      return true
    } catch (error) {
      if (isStatus(error, 409)) return false
      throw error
    }
  }

  /** Replaces the pods of a workload, as its strategy says. It is an update and no apply, so that no later apply takes it back. */
  async restart(resource: Resource, key: ObjectKey, now: number): Promise<KubeObject> {
    const annotations = { [RESTARTED_ANNOTATION]: new Date(now).toISOString() }
    const change = { spec: { template: { metadata: { annotations } } } }
    return this.#merge(resource, key, change)
  }

  async annotatePod(key: ObjectKey, annotations: Record<string, string | null>): Promise<void> {
    await this.#merge(resources.Pod, key, { metadata: { annotations } })
  }

  /** Deletes the object with this uid; a 409 when another one has its name. */
  async remove(resource: Resource, key: ObjectKey, uid: string): Promise<void> {
    await this.#write('remove', resource, key, (fence) => this.#client.remove(resource, key, { uid, ...fence }))
  }

  #merge(resource: Resource, key: ObjectKey, change: object): Promise<KubeObject> {
    return this.#write('merge', resource, key, (fence) =>
      this.#client.merge(resource, key, change, { fieldManager: MANAGER, ...fence }),
    )
  }

  #write<Result>(
    verb: 'apply' | 'applyStatus' | 'create' | 'merge' | 'remove',
    { kind }: Resource,
    { namespace = '', name }: KubeKey,
    send: (fence: WriteFence) => Promise<Result>,
  ): Promise<Result> {
    return this.#tracer.during('write', { kind: 'client', fields: { verb, kind, namespace, name } }, async (span) => {
      try {
        return await send(await this.#leadership.fence())
      } catch (error) {
        if (error instanceof KubeError) span.set({ status: error.status })
        throw error
      }
    })
  }
}
