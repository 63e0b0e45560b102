import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { livekitMediaName, natsPeersName, natsSecretName, partName } from '../naming.ts'

/** A server the operator may run for a realm. */
export type ManagedPart = 'nats' | 'livekit'

/** Whether a cell uses the Managed server of its realm. Its own settings say so, whatever the spec of the realm says by now. */
export const usesManagedServer = (realm: Realm, { spec }: CommsCell, part: ManagedPart): boolean =>
  part === 'nats'
    ? spec.nats?.credentials?.secretName === natsSecretName(realm.metadata.name)
    : spec.livekit?.credentials.secretName === partName(realm, 'livekit')

/**
 * Names of the objects of Managed servers which the realm no longer asks for, and which cells or held services still use. They stay exactly as they are,
 * their number of replicas included, because the spec of the realm no longer holds it.
 */
export function retainedObjects(realm: Realm, cells: readonly CommsCell[], areServicesHeld = false): ReadonlySet<string> {
  const isRetained = (part: ManagedPart) =>
    realm.spec[part].type !== 'Managed' && (areServicesHeld || cells.some((cell) => usesManagedServer(realm, cell, part)))
  return new Set([
    ...(isRetained('nats') ? [partName(realm, 'nats'), natsPeersName(realm.metadata.name)] : []),
    ...(isRetained('livekit') ? [partName(realm, 'livekit'), livekitMediaName(realm)] : []),
  ])
}
