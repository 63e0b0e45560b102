import { writeDisconnect } from './command-writer.ts'
import { UNSEQUENCED_FLAG } from './commands.ts'
import type { EnetCounters } from './host-options.ts'
import { RESET_BYTES, ResetLimiter } from './reset-limiter.ts'

/** After a crash all clients wait for theirs, as many as a host can have; each is shorter than what asked for it. */
const RESETS_PER_SECOND = 4_096

/** Where a client is, and how it knows this host. */
interface Stranger {
  address: string
  port: number
  /** Its own number of the connection; 0 for a client that has one connection only, as explorers do. */
  remoteId: number
  session: number
}

/** What the answers need of their host. */
export interface StrangersOwner {
  readonly counters: EnetCounters
  sendTo(address: string, port: number, bytes: Buffer, length: number): void
}

/** Answers clients that have no connection here, within limits: that they are to come back, or that there is no room. */
export class Strangers {
  readonly #owner: StrangersOwner
  readonly #limiter: ResetLimiter
  readonly #datagram = Buffer.alloc(RESET_BYTES)

  /** @param resetsPerSecond how many are answered each second, 4 096 by default */
  constructor(owner: StrangersOwner, resetsPerSecond: number | undefined, seed: number, now: number) {
    this.#owner = owner
    this.#limiter = new ResetLimiter(resetsPerSecond ?? RESETS_PER_SECOND, seed, now)
  }

  answer({ address, port, remoteId, session }: Stranger, receivedBytes: number, reason: number, now: number): void {
    if (!this.#limiter.take(address, port, receivedBytes, now)) return
    this.#owner.counters.resets += 1
    this.#datagram.writeUInt16BE(remoteId | (session << 12))
    writeDisconnect(this.#datagram, 2, UNSEQUENCED_FLAG, 0, reason)
    this.#owner.sendTo(address, port, this.#datagram, RESET_BYTES)
  }
}
