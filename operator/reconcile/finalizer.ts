import type { Realm } from '../../crds/realm.ts'
import type { Cluster } from './cluster.ts'
import type { ReconcilerParts } from './parts.ts'
import type { Recheck } from './queue.ts'

/** Holds up the end of a realm for as long as its name is leased elsewhere. There is no other finalizer, and none without such a lease. */
export const FINALIZER = 'comms.decentraland.org/unpublish'

/** A provider that cannot be reached lets go of the name by itself; the end of a realm waits for it no longer than this. */
const DEADLINE_MS = 30_000

const hasFinalizer = ({ metadata }: Realm): boolean => metadata.finalizers?.includes(FINALIZER) ?? false

/** Sees to it that a realm does not go before its names elsewhere are given back, and that one without such names just goes. */
export async function ensureFinalizer(cluster: Cluster, realm: Realm): Promise<void> {
  const needed = realm.spec.publication.providers.length > 0
  if (needed !== hasFinalizer(realm)) await cluster.setFinalizers(realm, needed ? [FINALIZER] : [])
}

/** Lets a realm go once its names elsewhere are given back, or the deadline is over. */
export async function finalize({ cluster, remotePublication, clock }: ReconcilerParts, realm: Realm): Promise<Recheck> {
  if (!hasFinalizer(realm)) return 'on-change'
  const leftMs = Date.parse(realm.metadata.deletionTimestamp ?? '') + DEADLINE_MS - clock.now()
  if (remotePublication && !remotePublication.withdraw(realm) && leftMs > 0) return { afterMs: leftMs }
  await cluster.setFinalizers(realm, [])
  return 'on-change'
}
