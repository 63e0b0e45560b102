import type { Realm } from '../../../crds/realm.ts'
import { realmChildMeta, serviceAccountName } from '../naming.ts'
import type { KubeManifest } from './manifest.ts'

/** The ServiceAccount of all pods of a realm: no token, no rights. */
export const realmServiceAccount = (realm: Realm): KubeManifest & { automountServiceAccountToken: boolean } => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: realmChildMeta(realm, serviceAccountName(realm.metadata.name), 'account'),
  automountServiceAccountToken: false,
})
