/** What the operator found out about the movement relay of a realm. */
export type RelayState =
  /** Not tried yet. */
  | 'unknown'
  /** It accepted a connection over UDP. */
  | 'reachable'
  /** It answered that it takes no further connection. */
  | 'full'
  /** Nothing more is known of the reason: users write these hosts, and must not learn what is in the operator's network. */
  | 'noAnswer'
  | 'hostNotResolved'

/** What one attempt to reach a relay found out. */
export type RelayAnswer = Exclude<RelayState, 'unknown'>
