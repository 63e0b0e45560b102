import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { PlayerPeak } from '../../observed/players.ts'

/** Counts the players of realms; answers from memory, counts in the background. */
export interface Census {
  /** Keeps a realm counted until `forget`. */
  attend(realm: Realm): void
  /** Players by slot as last heard; nothing while nothing was. Slots nobody spoke of are missing. */
  players(realm: ObjectKey): ReadonlyMap<number, number> | undefined
  /** Whether a realm was asked for in vain for so long that nobody knows any more. */
  isLost(realm: ObjectKey): boolean
  /** The most players there were for as long as the realm's `autoscale.scaleDownAfterSeconds`; nothing while less is known. */
  peak(realm: ObjectKey): PlayerPeak | undefined
  forget(realm: ObjectKey): void
  /** Tells when about as many players as before are no longer so; the returned function ends it. */
  onChange(listener: (realm: ObjectKey) => void): () => void
}
