import type { SendDatagram } from './host-options.ts'

export interface UdpOptions {
  /** 0 for any free port. */
  port: number
  /** All addresses of the machine by default: of IPv6 and IPv4, or of IPv4 where there is no IPv6. */
  address?: string
  receiveBufferBytes?: number
  sendBufferBytes?: number
  /** Whether to move many datagrams by one call of the system, where it can: it takes a library of some megabytes to load. */
  inBatches?: boolean
  /**
   * Receives a datagram: the first `length` of the bytes, which are valid during the call only. IPv4 addresses of a socket for both
   * families are in the form `::ffff:192.0.2.1`.
   */
  onDatagram(bytes: Buffer, address: string, port: number, length: number): void
}

/** What could not be sent. */
export interface UdpCounters {
  /** Errors of the system, for example that there is no route. */
  sendErrors: number
  /** Datagrams that were dropped since the kernel took no more. */
  dropped: number
}

/** A socket for datagrams of up to 1200 bytes. */
export interface UdpPort {
  readonly port: number
  readonly counters: UdpCounters
  /** Whether one call of the system moves many datagrams. */
  readonly isInBatches: boolean
  /** How many datagrams were dropped since they arrived faster than they were taken; 0 where that is not known. */
  readonly missed: number
  /** Sends or drops a datagram; throws nothing, and leaves the bytes to the caller at once. */
  send: SendDatagram
  /** An IP address in the form in which this socket reports it. */
  addressOf(ip: string): string
  /** Resolves when the socket receives nothing more. Afterwards sending does nothing. */
  close(): Promise<void>
}
