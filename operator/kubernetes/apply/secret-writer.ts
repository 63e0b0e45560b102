import { randomBytes } from 'node:crypto'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { isStatus } from '../../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { CreatedSecret, GeneratedSecret } from '../../desired/manifests/kube-manifest.ts'
import { type Child, childResources } from '../cache/child.ts'
import { ownerOf, type WriteParts } from './child-writer.ts'

/** What a Secret with new values concerns. */
export interface SecretUsers {
  /** Workloads that read it only when they start. */
  restart: readonly Child[]
  /** Pods into which it is mounted. */
  mount: readonly ObjectKey[]
}

/** Changed on a pod, it makes the kubelet look at the pod, and so refresh what is mounted, at once and not within a minute or two. */
const SECRET_ANNOTATION = 'comms.decentraland.org/secret-restored-at'

/** Creates Secrets with random values, and again when they were deleted. Neither reads nor changes a Secret that exists. */
export class SecretWriter {
  readonly #parts: WriteParts

  constructor(parts: WriteParts) {
    this.#parts = parts
  }

  async create(secret: GeneratedSecret | CreatedSecret): Promise<void> {
    if (this.#isAllowed(secret)) await this.#create(secret)
  }

  /**
   * Creates a Secret that pods report as missing. Its values are new, so what still runs with the values before is restarted first: after
   * an interruption in between, the restarted pods report the Secret as missing again.
   * Resolves with whether the Secret is there now.
   */
  async restore(secret: GeneratedSecret, { restart, mount }: SecretUsers): Promise<boolean> {
    const { api, cache, clock, log, recorder } = this.#parts
    const { namespace, name } = secret.metadata
    if (!this.#isAllowed(secret)) return false
    if (!(await api.isSecretMissing(manifestOf(secret)))) return true
    const restarted = restart.map(({ kind, name }) => `${kind} ${name}`)
    for (const { kind, ...key } of restart)
      await cache.trackWrite(kind, key, () => api.restart(childResources[kind], key, clock.now()))
    await this.#create(secret)
    const annotations = { [SECRET_ANNOTATION]: new Date(clock.now()).toISOString() }
    await Promise.all(
      mount.map((pod) =>
        api
          .annotatePod(pod, annotations)
          .catch((error: unknown) => log.info({ pod: keyText(pod), error: messageOf(error) }, 'could not annotate a pod')),
      ),
    )
    log.warn({ namespace, name, restarted }, 'a Secret of the operator was deleted; created it with new values')
    const note = `another client deleted Secret ${name}; the operator created it with new values and restarts ${restarted.join(', ')}`
    const owner = ownerOf(namespace, secret.metadata.ownerReferences)
    if (owner) recorder?.record(owner, { reason: 'DriftRepaired', note })
    return true
  }

  async #create(secret: GeneratedSecret | CreatedSecret): Promise<void> {
    const { api, log } = this.#parts
    const { namespace, name } = secret.metadata
    try {
      await api.createSecret(manifestOf(secret))
      log.info({ namespace, name }, 'created a Secret')
    } catch (error) {
      if (!isStatus(error, 409)) throw error
    }
  }

  #isAllowed({ metadata }: Pick<GeneratedSecret, 'metadata'>): boolean {
    return this.#parts.limiter.allows('Secret', metadata, ownerOf(metadata.namespace, metadata.ownerReferences), true)
  }
}

function manifestOf(secret: GeneratedSecret | CreatedSecret): KubeObject {
  const { metadata } = secret
  // A letter first, so that no configuration file reads it as a number.
  const random = () => `k${randomBytes(20).toString('hex')}`
  const stringData = 'values' in secret ? secret.values : Object.fromEntries(secret.keys.map((key) => [key, random()]))
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData } as KubeObject
}
