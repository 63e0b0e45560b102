/** Called for each message; an exception is logged and does not end the subscription. */
export type BusListener = (payload: Uint8Array, subject: string) => void

/** Whether messages get through now. */
export type BusState = 'connected' | 'disconnected'

/**
 * How cells talk to each other: subjects of dot-separated tokens, `*` standing for exactly one of them in a subscription,
 * at most once delivery to every subscriber (comms.md §5). While disconnected, messages are dropped, not kept:
 * a position of a minute ago is worth nothing.
 */
export interface Bus {
  publish(subject: string, payload: Uint8Array): void
  /** Listens to a pattern; the returned function ends it. */
  subscribe(pattern: string, listener: BusListener): () => void
  readonly state: BusState
  /** Why it is disconnected: the error message of the broker, if there is one. */
  readonly problem?: string | undefined
  /** Calls the listener at each change of `state`; the returned function removes it. */
  onState(listener: (state: BusState) => void): () => void
  /** Resolves once everything published so far has reached the broker. */
  flush(): Promise<void>
  /** Delivers what was published, then closes the connection. */
  close(): Promise<void>
}

/** The payload of messages whose subject says it all. */
export const NO_PAYLOAD = new Uint8Array(0)
