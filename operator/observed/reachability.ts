/** Whether the last attempt to connect to a server that a realm uses, and does not run itself, succeeded. */
export type Reachability = { dependency: 'LiveKit' | 'NATS'; url: string } & (
  | { state: 'reachable' }
  /** Not tried yet. */
  | { state: 'unknown' }
  /** Nothing is known of the reason: users write these URLs, and must not learn what is in the operator's network. */
  | { state: 'unreachable' }
)
