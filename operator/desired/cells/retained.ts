import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { natsPeersName, natsSecretName, partName } from '../naming.ts'

/** A server a realm may have of its own. */
export type ManagedPart = 'nats' | 'livekit'

/** Whether a cell was made to speak through the Managed server of its realm; its settings tell, whatever the realm says by now. */
export const usesManaged = (realm: Realm, { spec }: CommsCell, part: ManagedPart): boolean =>
  part === 'nats'
    ? spec.nats?.credentials?.secretName === natsSecretName(realm.metadata.name)
    : spec.livekit?.credentials.secretName === partName(realm, 'livekit')

/**
 * Names of what belongs to Managed servers the realm no longer asks for, and cells still speak through: it stays just as it is, down to
 * its size, which the realm no longer tells.
 */
export function stillUsed(realm: Realm, cells: readonly CommsCell[]): ReadonlySet<string> {
  const isLeft = (part: ManagedPart) =>
    realm.spec[part].type !== 'Managed' && cells.some((cell) => usesManaged(realm, cell, part))
  return new Set([
    ...(isLeft('nats') ? [partName(realm, 'nats'), natsPeersName(realm.metadata.name)] : []),
    ...(isLeft('livekit') ? [partName(realm, 'livekit')] : []),
  ])
}
