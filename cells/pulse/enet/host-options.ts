import type { EnetPeer } from './peer.ts'
import type { EndCause } from './peer-identity.ts'

/** Puts a datagram on its way. The bytes are valid during the call only: they are used again for the next datagram. */
export type SendDatagram = (bytes: Buffer, offset: number, length: number, port: number, address: string) => void

export interface EnetHostOptions {
  /** Milliseconds since an arbitrary start, never going back. */
  clock: () => number
  send: SendDatagram
  /** How many connections there may be, half-open ones included; 4095 by default, and at most. */
  maxPeers?: number
  /** How many channels a peer may have; 3 by default. */
  channels?: number
  /** How many clients of an earlier process are told each second that their connection is gone; 4 096 by default. */
  resetsPerSecond?: number
  /** A random integer from 0 to `below` - 1; cryptographic by default. */
  random?: (below: number) => number
  onConnect(peer: EnetPeer): void
  /** The bytes are valid during the call only. */
  onMessage(peer: EnetPeer, channel: number, bytes: Buffer): void
  /** The peer has left or was lost, for a connection that this side did not end. `reason` is the number that the peer gave. */
  onDisconnect(peer: EnetPeer, reason: number, cause: EndCause): void
}

/** What has happened since the host was made. */
export class EnetCounters {
  datagramsIn = 0
  bytesIn = 0
  datagramsOut = 0
  bytesOut = 0
  /** Datagrams, or the rest of one, that no ENet host sends. */
  malformed = 0
  /** Datagrams that belong to no connection. */
  unknown = 0
  /** Answers to those. */
  resets = 0
  /** CONNECTs that were refused since the host was full, or too many came at once or from one network. */
  refused = 0
  /** Half-open connections that were not completed. */
  abandoned = 0
}
