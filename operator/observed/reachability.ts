/** Whether the last attempt to connect to a server that a realm uses, and does not run itself, succeeded. */
export type Reachability = { dependency: 'LiveKit' | 'NATS'; url: string } & (
  | { state: 'reachable' }
  /** Not tried yet. */
  | { state: 'unknown' }
  | { state: 'unreachable'; message: string }
)
