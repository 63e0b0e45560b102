import type { PeerIdentity } from './peer-identity.ts'

/** In all. A flood of invented addresses drives out the oldest: real clients answer within their round trip. */
const MAX_HALF_OPEN = 512
/** From one IPv4 address, or one /64 of IPv6. */
const MAX_HALF_OPEN_PER_NETWORK = 32
const EXPIRES_AFTER_MS = 5_000
/** A VERIFY_CONNECT is repeated so often at most, first after so long, then after twice and four times as long. */
const MAX_RESENDS = 3
const FIRST_RESEND_MS = 250
/** Its length as a datagram. */
export const VERIFY_BYTES = 48

/** A client that has not shown yet that it receives what is sent to its address. */
export interface HalfOpen extends PeerIdentity {
  endpoint: string
  network: string
  /** Stands for the time in the VERIFY_CONNECT: only a client that has received it can repeat it. */
  cookie: number
  receivedBytes: number
  sentBytes: number
  sends: number
  sentAt: number
  expiresAt: number
}

/** The clients between CONNECT and their acknowledgement of VERIFY_CONNECT. They cost little, and their number is limited. */
export class HalfOpenTable {
  /** In the order of their arrival. */
  readonly #byId = new Map<number, HalfOpen>()
  readonly #byEndpoint = new Map<string, HalfOpen>()
  readonly #perNetwork = new Map<string, number>()

  get size(): number {
    return this.#byId.size
  }

  withId(id: number): HalfOpen | undefined {
    return this.#byId.get(id)
  }

  at(endpoint: string): HalfOpen | undefined {
    return this.#byEndpoint.get(endpoint)
  }

  hasRoomFor(network: string): boolean {
    return (this.#perNetwork.get(network) ?? 0) < MAX_HALF_OPEN_PER_NETWORK
  }

  /** The entry that must be removed before another is added. */
  surplus(): HalfOpen | undefined {
    return this.#byId.size < MAX_HALF_OPEN ? undefined : this.#byId.values().next().value
  }

  /** The entry that has waited too long. */
  expired(now: number): HalfOpen | undefined {
    const oldest = this.#byId.values().next().value
    return oldest && now >= oldest.expiresAt ? oldest : undefined
  }

  /** All entries, the oldest first. */
  entries(): Iterable<HalfOpen> {
    return this.#byId.values()
  }

  add(request: Omit<HalfOpen, 'sentAt' | 'expiresAt'>, now: number): HalfOpen {
    const entry = { ...request, sentAt: now, expiresAt: now + EXPIRES_AFTER_MS }
    this.#byId.set(entry.id, entry)
    this.#byEndpoint.set(entry.endpoint, entry)
    this.#perNetwork.set(entry.network, (this.#perNetwork.get(entry.network) ?? 0) + 1)
    return entry
  }

  remove(entry: HalfOpen): void {
    this.#byId.delete(entry.id)
    this.#byEndpoint.delete(entry.endpoint)
    const left = (this.#perNetwork.get(entry.network) ?? 1) - 1
    if (left > 0) this.#perNetwork.set(entry.network, left)
    else this.#perNetwork.delete(entry.network)
  }
}

/** Whether a VERIFY_CONNECT may be sent again: not often, not soon, and never more bytes than came from the address. */
export const mayResend = (entry: HalfOpen, now: number): boolean =>
  entry.sends <= MAX_RESENDS &&
  now - entry.sentAt >= FIRST_RESEND_MS * 2 ** (entry.sends - 1) &&
  entry.sentBytes + VERIFY_BYTES <= entry.receivedBytes
