/** Confirmations are requested each time that so many bytes were sent. */
const CONFIRM_BYTES = 64 * 1024
/** So many bytes may be unconfirmed at any time. */
const MAX_BYTES = 8 * 1024 * 1024
/** A burst may be larger, as long as the last confirmation was requested less than this long ago, in ms. */
const PATIENCE_MS = 1_000
/** No burst is larger than this. */
const MAX_BURST_BYTES = 8 * MAX_BYTES

/**
 * Limits what is sent to a broker that does not read it: the client library would buffer it, without a limit, until pings fail.
 * It counts the bytes that the broker has not confirmed yet.
 */
export class OutgoingLimit {
  readonly #confirm: () => Promise<void>
  readonly #onRelieved: () => void
  readonly #now: () => number
  #sent = 0
  #confirmed = 0
  #requestedAt: number | undefined
  #isExceeded = false
  /** Counts the connections: confirmations of an earlier one say nothing about the present one. */
  #epoch = 0

  /**
   * @param confirm resolves once the broker has read everything sent so far
   * @param onRelieved called once the broker reads again after the limit was exceeded
   * @param now a monotonic time in ms
   */
  constructor(confirm: () => Promise<void>, onRelieved: () => void, now: () => number = () => performance.now()) {
    this.#confirm = confirm
    this.#onRelieved = onRelieved
    this.#now = now
  }

  /** Whether messages are to be dropped until the broker reads again. */
  get isExceeded(): boolean {
    return this.#isExceeded
  }

  /** Counts a message that is to be sent; false when there is no room for it. */
  admits(bytes: number): boolean {
    const unconfirmed = this.#sent + bytes - this.#confirmed
    const waitedMs = this.#requestedAt === undefined ? 0 : this.#now() - this.#requestedAt
    if (unconfirmed > (waitedMs > PATIENCE_MS ? MAX_BYTES : MAX_BURST_BYTES)) {
      this.#isExceeded = true
      return false
    }
    this.#sent += bytes
    if (unconfirmed > CONFIRM_BYTES && this.#requestedAt === undefined) void this.#requestConfirmation()
    return true
  }

  /** The connection ended, and its buffered messages are lost. */
  reset(): void {
    this.#epoch++
    this.#sent = 0
    this.#confirmed = 0
    this.#requestedAt = undefined
    this.#isExceeded = false
  }

  async #requestConfirmation(): Promise<void> {
    const [epoch, sent] = [this.#epoch, this.#sent]
    this.#requestedAt = this.#now()
    // One that fails belongs to a connection that ends, and the next connection begins with `reset`.
    const isConfirmed = await this.#confirm().then(
      () => true,
      () => false,
    )
    if (!isConfirmed || epoch !== this.#epoch) return
    this.#confirmed = sent
    this.#requestedAt = undefined
    if (!this.#isExceeded) return
    this.#isExceeded = false
    this.#onRelieved()
  }
}
