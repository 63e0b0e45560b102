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

/** How the name of a realm stands at one realm provider elsewhere. */
export type Lease = { url: string } & (
  | { state: 'held' }
  /** Not heard yet. */
  | { state: 'asking' }
  /** Somebody else has the name there. */
  | { state: 'taken'; holder: string }
  | { state: 'unreachable'; message: string }
  /** The operator was not installed with this provider, and so speaks to it neither with a token nor without. */
  | { state: 'unknown' }
)
