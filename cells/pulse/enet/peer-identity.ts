import type { ConnectionTerms } from './command-writer.ts'

/** Where a peer is and what was agreed with it. */
export interface PeerIdentity {
  address: string
  port: number
  /** The number with which the peer addresses this host, 0 to 4094. */
  id: number
  /** The number with which this host addresses the peer. */
  remoteId: number
  session: number
  terms: ConnectionTerms
  /** The number that a client put into its CONNECT. */
  connectData: number
}

/** Why a connection is over: the peer ended it, does not answer, breaks the protocol or takes in less than it is sent. */
export type EndCause = 'left' | 'lost' | 'violation' | 'overflow'

/** Reasons of a disconnect that the host itself gives, as the public server numbers them: explorers decide by them when to come back. */
export const EndReason = { RETRY: 1, SERVER_FULL: 6, CORRUPTED: 16 } as const
