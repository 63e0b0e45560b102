/** Before the first sample: what the original ENet assumes. */
const INITIAL_MS = 500
/** Explorers answer once per frame: shorter time-outs would only send everything twice. */
const MIN_TIMEOUT_MS = 50
/** Doubling ends here, so that a connection over a bad link still gets many attempts before it is given up. */
const MAX_TIMEOUT_MS = 1_000
/** A peer that answers old datagrams late must not keep what it was sent for longer. */
const MAX_FIRST_TIMEOUT_MS = 5_000

/** The round-trip time of a connection, smoothed as in ENet: an eighth of each sample, a quarter for the variation. */
export class RoundTrip {
  ms = INITIAL_MS
  variationMs = 0
  hasSample = false

  add(sampleMs: number): void {
    if (!this.hasSample) {
      this.hasSample = true
      this.ms = sampleMs
      this.variationMs = sampleMs / 2
      return
    }
    const difference = sampleMs - this.ms
    this.variationMs += (Math.abs(difference) - this.variationMs) / 4
    this.ms += difference / 8
  }

  /** How long to wait for an acknowledgement before the command is sent again for the n-th time. */
  timeoutMs(resends: number): number {
    const first = Math.min(MAX_FIRST_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, this.ms + 4 * this.variationMs))
    return Math.min(first * 2 ** resends, Math.max(first, MAX_TIMEOUT_MS))
  }
}
