import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { RemotePublicationStatus } from '../../observed/publication.ts'

/** Publishes realms at providers of other clusters; answers from memory, asks in the background. */
export interface Elsewhere {
  /** Says where a realm is to be published now, and with what; answers how each name stands. Asking keeps its leases renewed. */
  publish(realm: Realm): readonly RemotePublicationStatus[]
  /**
   * Whether a provider may still lead players to a cell of a realm: it was told so and not told otherwise since, or what it was told before we
   * came is unknown. One whose lease ended leads nobody anywhere.
   */
  mayLeadTo(realm: Realm, cell: string): boolean
  /** Gives back every name of a realm that goes; true once none is held any more. */
  withdraw(realm: Realm): boolean
  /** Ends looking after a realm that is not there any more; what it leased ends by its time to live. */
  forget(key: ObjectKey): void
  /** Tells when a lease of a realm stands otherwise, or a cell is led to no more; the returned function ends it. */
  onChange(listener: (key: ObjectKey) => void): () => void
}
