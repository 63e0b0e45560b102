import type { CatalystProblems } from '../../crds/publication.ts'

/** What the realm provider of this cluster serves for a realm, as last seen. */
export type PublicationStatus =
  /** It serves the realm with one of the endpoints the operator published. */
  | ({ state: 'serving'; aboutUrl: string } & CatalystProblems)
  /** It answers, without the realm or with other endpoints. */
  | { state: 'absent'; aboutUrl: string }
  /** It keeps serving endpoints of another realm under this name. */
  | { state: 'taken'; aboutUrl: string; adapter: string }
  | { state: 'unreachable'; aboutUrl: string; message: string }
  /** Not asked yet. */
  | { state: 'unknown'; aboutUrl: string }

/** The lease of a realm's name at one realm provider of another cluster. */
export type RemotePublicationStatus = { url: string } & (
  | ({ state: 'held' } & CatalystProblems)
  /** The provider has not answered yet. */
  | { state: 'pending' }
  /** Another publisher holds the name there. */
  | { state: 'taken'; holder: string }
  | { state: 'unreachable'; message: string }
  /** The operator's chart does not name this provider, so the operator sends nothing to it. */
  | { state: 'notConfigured' }
)
