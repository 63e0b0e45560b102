import type { Realm } from '../../../crds/realm.ts'
import type { PublicationStatus } from '../../observed/publication.ts'

/** Looks at the realm provider from where players do; answers from memory, looks in the background. */
export interface Publication {
  /** What was last seen for this realm. Asking keeps the realm under observation until `forget`. */
  sighting(realm: Realm): PublicationStatus
  forget(realm: { metadata: { namespace: string; name: string } }): void
  /** Tells when what is seen of a realm changed; the returned function ends it. */
  onChange(listener: (key: { namespace: string; name: string }) => void): () => void
}
