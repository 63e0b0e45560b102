import type { Realm } from '../../../crds/realm.ts'
import { databaseClaimName, realmChildMeta } from '../naming.ts'
import type { KubeManifest, ManifestOf } from './kube-manifest.ts'

/** A PersistentVolumeClaim with the fields the operator sets. */
export type Claim = ManifestOf<{
  accessModes: ['ReadWriteOnce']
  resources: { requests: { storage: string } }
  storageClassName?: string
}>

/** The claim for the embedded database of a gatekeeper; undefined where the realm asks for none. */
export function databaseClaim(realm: Realm): Claim | undefined {
  const { storage } = realm.spec.gatekeeper.database
  if (!storage) return undefined
  const { size, storageClassName } = storage
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: realmChildMeta(realm, databaseClaimName(realm), 'gatekeeper'),
    spec: {
      // Not ReadWriteOncePod, which many drivers do not know: a second pod on the same node finds the folder locked.
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  }
}

/** Whether the pods of a workload have a volume of a claim. */
export const mountsClaim = (manifest: KubeManifest, claimName: string): boolean =>
  ((manifest as MaybeWorkload).spec?.template?.spec?.volumes ?? []).some(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claimName,
  )

interface MaybeWorkload {
  spec?: { template?: { spec?: { volumes?: { persistentVolumeClaim?: { claimName: string } }[] } } }
}
