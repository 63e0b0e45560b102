import type { Rate } from '../chassis/token-bucket.ts'

/** Bounds on what clients may use. */
export interface PulseLimits {
  /** From the connection to the signature, in milliseconds. */
  signInMs: number
  maxUnauthenticated: number
  /** Of one address, or /64 network, that have not signed in yet. */
  maxUnauthenticatedPerAddress: number
  handshakesPerConnection: number
  /** States of an avatar; clients send ten a second while it moves. */
  inputs: Rate
  /** Teleports and emotes. */
  events: Rate
  /** Requests for a whole state after a loss. */
  resyncs: Rate
  profiles: Rate
  /** Messages that cannot be read, or have values that no client may send. */
  invalid: Rate
  /** Sign-ins that are remembered, so that none counts twice. */
  maxRemembered: number
}

/** The limits that explorers are made for. */
export const defaultPulseLimits: PulseLimits = {
  signInMs: 30_000,
  maxUnauthenticated: 512,
  maxUnauthenticatedPerAddress: 32,
  handshakesPerConnection: 2,
  inputs: { perSecond: 20, burst: 16 },
  events: { perSecond: 20, burst: 16 },
  resyncs: { perSecond: 50, burst: 200 },
  profiles: { perSecond: 2, burst: 10 },
  invalid: { perSecond: 5 / 60, burst: 5 },
  maxRemembered: 100_000,
}
