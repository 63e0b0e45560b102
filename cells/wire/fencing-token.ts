/**
 * A word that sorts by age and comes only once: nine base-36 digits of a time in ms, a dash, and who made it. Sessions of a wallet and terms
 * of an archipelago are named by stamps, so that of two anybody can tell which is the later.
 */
export type FencingToken = string

const STAMP = /^[0-9a-z]{9}-[0-9a-z]{1,40}$/
const TIME_DIGITS = 9
/** A clock this far ahead of ours, in ms, is wrong, and not to be followed. */
const MAX_LEAD_MS = 24 * 3600 * 1000

/** The text if it is a stamp. */
export const parseFencingToken = (text: string | undefined): FencingToken | undefined =>
  text !== undefined && STAMP.test(text) ? text : undefined

/** When a stamp was made, in ms since the epoch, by the clock of whoever made it. */
export const issuedAt = (stamp: FencingToken): number => Number.parseInt(stamp.slice(0, TIME_DIGITS), 36)

/**
 * Makes stamps. One that was heard is never later than the next one made, however clocks differ: who comes back through another machine
 * has the later session even if that machine's clock is behind.
 */
export class FencingTokens {
  #lastMs = 0

  next(nowMs: number, maker: string): FencingToken {
    this.#lastMs = Math.max(Math.floor(nowMs), this.#lastMs + 1)
    return `${this.#lastMs.toString(36).padStart(TIME_DIGITS, '0')}-${maker}`
  }

  /** Somebody else made a stamp. */
  observe(stamp: FencingToken, nowMs: number): void {
    const ms = issuedAt(stamp)
    if (ms - nowMs < MAX_LEAD_MS) this.#lastMs = Math.max(this.#lastMs, ms)
  }
}

/**
 * Lets pass what is said in the latest term that was heard, and nothing of an earlier one: an archipelago that was paused or cut off does
 * not know that another one took over, but whoever listens does. Words without a term are of services that know no terms, and pass.
 */
export class TermFence {
  #latest: FencingToken = ''

  /** The latest term heard; empty before the first. */
  get latest(): FencingToken {
    return this.#latest
  }

  /** Whether a word of this term counts. */
  accepts(term: FencingToken | undefined): boolean {
    if (term === undefined) return true
    if (term < this.#latest) return false
    this.#latest = term
    return true
  }
}
