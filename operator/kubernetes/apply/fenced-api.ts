import type { KubeClient } from '../../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { MANAGER } from '../../desired/naming.ts'
import type { Leadership } from '../../leader/leadership.ts'

/**
 * Requests to the API server under the operator's field manager; each write is sent only while the operator leads.
 * @throws NotLeading
 */
export class FencedApi {
  readonly #client: Pick<KubeClient, 'apply' | 'create' | 'get' | 'merge' | 'remove'>
  readonly #leadership: Leadership

  constructor(client: Pick<KubeClient, 'apply' | 'create' | 'get' | 'merge' | 'remove'>, leadership: Leadership) {
    this.#client = client
    this.#leadership = leadership
  }

  get(resource: Resource, key: ObjectKey): Promise<KubeObject | undefined> {
    return this.#client.get<KubeObject>(resource, key)
  }

  /** Server-side apply; `force` takes fields over from other managers, without it their disagreement is a 409. */
  async apply(resource: Resource, object: KubeObject, force: boolean, subresource?: 'status'): Promise<KubeObject> {
    const fence = await this.#leadership.fence()
    return this.#client.apply<KubeObject>(resource, object, {
      fieldManager: MANAGER,
      force,
      ...(subresource && { subresource }),
      ...fence,
    })
  }

  async createSecret(secret: KubeObject): Promise<void> {
    await this.#client.create(resources.Secret, secret, { fieldManager: MANAGER, ...(await this.#leadership.fence()) })
  }

  async annotatePod(key: ObjectKey, annotations: Record<string, string | null>): Promise<void> {
    const fence = await this.#leadership.fence()
    await this.#client.merge(resources.Pod, key, { metadata: { annotations } }, { fieldManager: MANAGER, ...fence })
  }

  /** Deletes the object with this uid; a 409 when another one has its name. */
  async remove(resource: Resource, key: ObjectKey, uid: string): Promise<void> {
    await this.#client.remove(resource, key, { uid, ...(await this.#leadership.fence()) })
  }
}
