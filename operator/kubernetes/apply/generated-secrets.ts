import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { Kind } from '../../../crds/resources.ts'
import type { GeneratedSecret } from '../../desired/manifests/kube-manifest.ts'
import { generatedSecrets } from '../../desired/manifests/objects.ts'
import { isCompact } from '../../desired/topology.ts'
import type { Component } from '../../observed/workload.ts'
import type { Cache } from '../cache/cache.ts'
import type { SecretUsers } from './secret-writer.ts'
import type { Writer } from './writer.ts'

interface GeneratedSecretParts {
  cache: Pick<Cache, 'cellsOf' | 'child' | 'childrenOf' | 'pods' | 'secretExists'>
  writer: Pick<Writer, 'createSecret' | 'restoreSecret'>
}

const COMPONENTS: Record<Kind, readonly Component[]> = {
  Realm: ['nats', 'livekit', 'gatekeeper', 'stats', 'migration'],
  CommsCell: ['connector', 'archipelago'],
}

/**
 * Creates the Secrets of a realm before anything needs them, and again when a pod reports one as missing. Secrets are not watched, and not
 * read: that would require the permission to read all of them.
 */
export async function ensureSecrets({ cache, writer }: GeneratedSecretParts, realm: Realm): Promise<void> {
  for (const secret of generatedSecrets(realm)) {
    const { namespace, name } = secret.metadata
    if (!cache.child({ ...secret.neededBy, namespace })) await writer.createSecret(secret)
    else if (partsOf(cache, realm).some(({ owner, component }) => cache.pods.lacksSecret(owner, component, name))) {
      if (await writer.restoreSecret(secret, usersOf(cache, realm, secret))) cache.secretExists({ namespace, name })
    }
  }
}

interface Part {
  owner: { kind: Kind } & ObjectKey
  uid: string
  component: Component
  /** The component itself, and those that are in the same process. */
  services: readonly Component[]
}

/** The components of a realm and of its cells. */
const partsOf = (cache: GeneratedSecretParts['cache'], realm: Realm): Part[] =>
  [realm, ...cache.cellsOf(realm.metadata)].flatMap((object): Part[] => {
    const { namespace, name, uid = '' } = object.metadata
    const owner = { kind: object.kind, namespace, name }
    if (object.kind === 'CommsCell' && isCompact(object.spec))
      return [{ owner, uid, component: 'connector', services: COMPONENTS.CommsCell }]
    return COMPONENTS[object.kind].map((component) => ({ owner, uid, component, services: [component] }))
  })

function usersOf(cache: GeneratedSecretParts['cache'], realm: Realm, { restarts }: GeneratedSecret): SecretUsers {
  const parts = partsOf(cache, realm)
  const isRestarted = ({ services }: Part) => services.some((service) => restarts.includes(service))
  return {
    restart: parts
      .filter(isRestarted)
      .flatMap(({ uid, component }) => cache.childrenOf(uid).filter(({ workload }) => workload?.component === component)),
    mount: parts
      .filter((part) => !isRestarted(part))
      .flatMap(({ owner, component }) => cache.pods.podsOf(owner, component).filter(({ terminating }) => !terminating)),
  }
}
