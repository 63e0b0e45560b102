/** Whether something a realm needs and does not run itself was reached last. */
export type Reach = { what: 'LiveKit' | 'NATS'; url: string } & (
  | { state: 'reached' }
  /** Not tried yet. */
  | { state: 'unknown' }
  | { state: 'unreachable'; message: string }
)
