import type { Realm } from '../../../crds/realm.ts'

/** What a realm provider was last seen doing for a realm. */
export type Sighting =
  /** It serves the realm with one of these endpoints. */
  | { state: 'serving'; aboutUrl: string }
  /** It answers, without the realm or with other endpoints. */
  | { state: 'absent'; aboutUrl: string }
  /** It goes on serving endpoints that are not this realm's under its name: another one has it. */
  | { state: 'taken'; aboutUrl: string; adapter: string }
  | { state: 'unreachable'; aboutUrl: string; message: string }
  /** Not looked yet. */
  | { state: 'unknown'; aboutUrl: string }

/** Looks at the realm provider from where players do; answers from memory, looks in the background. */
export interface Publication {
  /** What was last seen for this realm. Asking keeps the realm under observation until `forget`. */
  sighting(realm: Realm): Sighting
  forget(realm: { metadata: { namespace: string; name: string } }): void
  /** Tells when what is seen of a realm changed; the returned function ends it. */
  onChange(listener: (key: { namespace: string; name: string }) => void): () => void
}
