import { networkOfAddress } from '../../chassis/client-address.ts'
import { TokenBucket } from '../../chassis/token-bucket.ts'
import { writeVerifyConnect } from './command-writer.ts'
import { CONTROL_CHANNEL, Command, CommandKind, readCommand } from './commands.ts'
import { HEADER_BYTES, MIN_MTU, MTU, NO_PEER_ID, writeHeader } from './datagram.ts'
import { type HalfOpen, HalfOpenTable, mayResend, VERIFY_BYTES } from './half-open.ts'
import type { EnetCounters } from './host-options.ts'
import type { PeerIds } from './peer-ids.ts'

const MIN_WINDOW_BYTES = 4096
/** More than a player has under way in either direction; a host may have to keep as much for each of its peers. */
const MAX_WINDOW_BYTES = 32_768
/**
 * New requests per second, of all addresses: more would drive each other out of the table within a round trip, and take the time that
 * connected peers need. Clients repeat a request that was not answered.
 */
const REQUESTS = { perSecond: 1_500, burst: 512 }

/** What the requests need of their host. */
export interface RequestOwner {
  readonly counters: EnetCounters
  sendTo(address: string, port: number, bytes: Buffer, length: number): void
  /** Whether the client at this endpoint is connected by the very CONNECT with this ID. */
  isConnected(endpoint: string, connectId: number): boolean
  /** There is no room for a client, whose own ID of the connection is `remoteId`. */
  full(address: string, port: number, remoteId: number, receivedBytes: number): void
}

/** An address and a port, as one key. */
export const endpointKey = (address: string, port: number): string => `${address}|${port}`

/** What happens between the CONNECT of a client and its acknowledgement of VERIFY_CONNECT. */
export class ConnectionRequests {
  readonly table = new HalfOpenTable()
  readonly #owner: RequestOwner
  readonly #ids: PeerIds
  readonly #channels: number
  readonly #random: (below: number) => number
  readonly #datagram = Buffer.alloc(VERIFY_BYTES)
  readonly #command = new Command()
  readonly #rate: TokenBucket

  constructor(owner: RequestOwner, ids: PeerIds, channels: number, random: (below: number) => number, now: number) {
    this.#rate = new TokenBucket(REQUESTS, now)
    this.#owner = owner
    this.#ids = ids
    this.#channels = channels
    this.#random = random
  }

  /** A datagram without a peer ID. @returns false when it is no CONNECT */
  connect(bytes: Buffer, start: number, length: number, address: string, port: number, now: number): boolean {
    const command = this.#command
    const end = readCommand(bytes, start, length, command)
    if (end < 0 || command.kind !== CommandKind.CONNECT || command.channels === 0 || command.peerId >= NO_PEER_ID) return false
    const endpoint = endpointKey(address, port)
    if (this.#owner.isConnected(endpoint, command.connectId)) return true
    const known = this.table.at(endpoint)
    if (known?.terms.connectId === command.connectId) {
      known.receivedBytes += length
      if (mayResend(known, now)) this.#verify(known, now)
    } else {
      if (known) this.#abandon(known)
      this.#accept(command, address, port, length, now)
    }
    return true
  }

  /** A datagram of a client that has not acknowledged yet. @returns whether it does so now, or false when it is malformed */
  continue(entry: HalfOpen, bytes: Buffer, start: number, end: number, now: number): 'acknowledged' | 'waiting' | 'malformed' {
    const command = this.#command
    entry.receivedBytes += end
    for (let at = start; at < end; ) {
      at = readCommand(bytes, at, end, command)
      if (at < 0) return 'malformed'
      if (command.kind === CommandKind.DISCONNECT) {
        this.#abandon(entry)
        return 'waiting'
      }
      if (command.kind !== CommandKind.ACKNOWLEDGE || command.channel !== CONTROL_CHANNEL) continue
      if (command.receivedSequence !== 1 || command.receivedSentTime !== entry.cookie) continue
      this.table.remove(entry)
      return 'acknowledged'
    }
    if (mayResend(entry, now)) this.#verify(entry, now)
    return 'waiting'
  }

  /** Forgets clients that do not answer. */
  expire(now: number): void {
    for (let entry = this.table.expired(now); entry; entry = this.table.expired(now)) this.#abandon(entry)
  }

  #accept(command: Command, address: string, port: number, length: number, now: number): void {
    const network = this.#rate.take(now) ? networkOfAddress(address) : undefined
    if (network === undefined || !this.table.hasRoomFor(network)) {
      this.#owner.counters.refused += 1
      return
    }
    const surplus = this.table.surplus()
    if (surplus) this.#abandon(surplus)
    const taken = this.#ids.take()
    if (!taken) {
      this.#owner.counters.refused += 1
      this.#owner.full(address, port, command.peerId, length)
      return
    }
    const { id, session } = taken
    const terms = {
      peerId: id,
      session,
      mtu: clamp(command.mtu, MIN_MTU, MTU),
      windowBytes: clamp(command.windowBytes, MIN_WINDOW_BYTES, MAX_WINDOW_BYTES),
      channels: Math.min(command.channels, this.#channels),
      throttleInterval: command.throttleInterval,
      throttleAcceleration: command.throttleAcceleration,
      throttleDeceleration: command.throttleDeceleration,
      connectId: command.connectId,
    }
    const identity = { address, port, id, remoteId: command.peerId, session, terms, connectData: command.data }
    const place = { endpoint: endpointKey(address, port), network, cookie: this.#random(0x10000) }
    this.#verify(this.table.add({ ...identity, ...place, receivedBytes: length, sentBytes: 0, sends: 0 }, now), now)
  }

  #verify(entry: HalfOpen, now: number): void {
    writeHeader(this.#datagram, entry.remoteId, entry.session, entry.cookie)
    writeVerifyConnect(this.#datagram, HEADER_BYTES, entry.terms)
    entry.sentBytes += VERIFY_BYTES
    entry.sends += 1
    entry.sentAt = now
    this.#owner.sendTo(entry.address, entry.port, this.#datagram, VERIFY_BYTES)
  }

  #abandon(entry: HalfOpen): void {
    this.table.remove(entry)
    this.#ids.give(entry.id)
    this.#owner.counters.abandoned += 1
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)
