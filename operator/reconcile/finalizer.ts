import type { Realm } from '../../crds/realm.ts'
import type { Cluster } from './cluster.ts'
import type { ReconcilerParts } from './parts.ts'
import type { Recheck } from './queue.ts'

/**
 * Delays the deletion of a realm while its name is leased at a remote provider. There is no other finalizer, and none without
 * remote providers.
 */
export const FINALIZER = 'comms.decentraland.org/unpublish'

/** The deletion of a realm waits no longer than this: at a provider that cannot be reached the lease expires by itself. */
const DEADLINE_MS = 30_000

const hasFinalizer = ({ metadata }: Realm): boolean => metadata.finalizers?.includes(FINALIZER) ?? false

/** Sets the finalizer of a realm with remote providers, and removes it from a realm without. */
export async function ensureFinalizer(cluster: Cluster, realm: Realm): Promise<void> {
  const needed = realm.spec.publication.providers.length > 0
  if (needed !== hasFinalizer(realm)) await cluster.setFinalizers(realm, needed ? [FINALIZER] : [])
}

/** Gives the names of a deleted realm back, and removes the finalizer once that is done or the deadline has passed. */
export async function finalize({ cluster, remotePublication, clock }: ReconcilerParts, realm: Realm): Promise<Recheck> {
  if (!hasFinalizer(realm)) return 'on-change'
  const leftMs = Date.parse(realm.metadata.deletionTimestamp ?? '') + DEADLINE_MS - clock.now()
  if (remotePublication && !remotePublication.withdraw(realm) && leftMs > 0) return { afterMs: leftMs }
  await cluster.setFinalizers(realm, [])
  return 'on-change'
}
