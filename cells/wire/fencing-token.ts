/**
 * A unique id that sorts by age: nine base-36 digits of a time in ms, a dash, and the id of its issuer. The sessions of a wallet
 * and the terms of an archipelago are identified by fencing tokens, so that any service can tell which of two is the later one.
 */
export type FencingToken = string

const FENCING_TOKEN = /^[0-9a-z]{9}-[0-9a-z]{1,40}$/
const TIME_DIGITS = 9
/** A token issued this far ahead of our clock, in ms, comes from a wrong clock and is not followed. */
const MAX_LEAD_MS = 24 * 3600 * 1000

/** The text if it is a fencing token, else undefined. */
export const parseFencingToken = (text: string | undefined): FencingToken | undefined =>
  text !== undefined && FENCING_TOKEN.test(text) ? text : undefined

/** When a token was issued, in ms since the epoch, by the clock of its issuer; NaN for an empty token. */
export const issuedAt = (token: FencingToken): number => Number.parseInt(token.slice(0, TIME_DIGITS), 36)

/**
 * Issues fencing tokens. The next token is later than every token observed so far, however clocks differ: a player who reconnects
 * through another machine gets the later session even if the clock of that machine is behind.
 */
export class FencingTokens {
  #lastMs = 0

  next(nowMs: number, issuer: string): FencingToken {
    this.#lastMs = Math.max(Math.floor(nowMs), this.#lastMs + 1)
    return `${this.#lastMs.toString(36).padStart(TIME_DIGITS, '0')}-${issuer}`
  }

  /** Takes note of a token that another process issued. */
  observe(token: FencingToken, nowMs: number): void {
    const ms = issuedAt(token)
    if (ms - nowMs < MAX_LEAD_MS) this.#lastMs = Math.max(this.#lastMs, ms)
  }
}

/**
 * Accepts messages of the latest term received so far and rejects those of earlier terms: an archipelago that was paused or cut
 * off does not know that another one took over, but its subscribers do. Messages without a term come from services without terms,
 * and are accepted.
 */
export class TermFence {
  #latest: FencingToken = ''

  /** The latest term received; empty before the first. */
  get latest(): FencingToken {
    return this.#latest
  }

  /** Whether a message of this term is to be processed. */
  accepts(term: FencingToken | undefined): boolean {
    if (term === undefined) return true
    if (term < this.#latest) return false
    this.#latest = term
    return true
  }
}
