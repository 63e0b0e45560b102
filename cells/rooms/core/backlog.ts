/** What may wait for a receiver that does not keep up. */
export interface BacklogLimits {
  /** Unsent bytes up to which a receiver keeps up. */
  calmBytes: number
  /** Bytes of reliable updates that are sent to a receiver from when it falls behind until it has caught up. */
  behindBytes: number
  /** Milliseconds a receiver may be behind. */
  behindMs: number
}

/** What to do with a reliable update for a receiver. */
export type BacklogVerdict =
  | 'send'
  /** Its sender has used its share: of those who send to a slow receiver the loudest pays, not the receiver. */
  | 'drop'
  /** The receiver has been behind for too long: it reads next to nothing. */
  | 'too_slow'

/**
 * Divides the buffer of one receiver among the members that send to it. While the receiver is behind, each of them may use as many bytes as
 * would still be left for others: one sender gets at most half, ten get a tenth each, and a quiet one always finds room.
 */
export class Backlog {
  readonly #limits: BacklogLimits
  /** Bytes of each sender since the receiver fell behind. */
  readonly #used = new Map<number, number>()
  #total = 0
  #behindSince: number | undefined

  constructor(limits: BacklogLimits) {
    this.#limits = limits
  }

  /** @param unsentBytes what waits for the receiver now  @param nowMs monotonic */
  admit(sender: number, bytes: number, unsentBytes: number, nowMs: number): BacklogVerdict {
    const { calmBytes, behindBytes, behindMs } = this.#limits
    if (unsentBytes <= calmBytes) {
      this.#caughtUp()
      return 'send'
    }
    this.#behindSince ??= nowMs
    if (nowMs - this.#behindSince >= behindMs) return 'too_slow'
    const used = (this.#used.get(sender) ?? 0) + bytes
    if (used > behindBytes - this.#total) return 'drop'
    this.#used.set(sender, used)
    this.#total += bytes
    return 'send'
  }

  #caughtUp(): void {
    if (this.#behindSince === undefined) return
    this.#behindSince = undefined
    this.#total = 0
    this.#used.clear()
  }
}
