import type { ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { Reachability } from '../../observed/reachability.ts'

/** Looks at what realms depend on; answers from memory, looks in the background, and never with a credential. */
export interface Dependencies {
  /** How the External parts of a realm were found last. Asking keeps them under observation until `forget`. */
  reach(realm: Realm): readonly Reachability[]
  forget(key: ObjectKey): void
  /** Tells when something was found otherwise; the returned function ends it. */
  onChange(listener: (key: ObjectKey) => void): () => void
}
