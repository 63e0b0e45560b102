/**
 * A unique id that sorts by age: nine base-36 digits of a time in ms, a dash, and the id of its issuer. The sessions of a wallet
 * and the terms of an archipelago are identified by fencing tokens, so that any service can tell which of two is the later one.
 */
export type FencingToken = string

const FENCING_TOKEN = /^[0-9a-z]{9}-[0-9a-z]{1,40}$/
const TIME_DIGITS = 9
/** A token issued this far ahead of our clock, in ms, comes from a wrong clock: that of its issuer, or ours. */
const MAX_LEAD_MS = 24 * 3600 * 1000

/** The text if it is a fencing token, else undefined. */
export const parseFencingToken = (text: string | undefined): FencingToken | undefined =>
  text !== undefined && FENCING_TOKEN.test(text) ? text : undefined

/** When a token was issued, in ms since the epoch, by the clock of its issuer; NaN for an empty token. */
export const issuedAt = (token: FencingToken): number => Number.parseInt(token.slice(0, TIME_DIGITS), 36)

/** The latest time that a token can express. */
const MAX_MS = 36 ** TIME_DIGITS - 1

/** Whether the clock of the issuer can have been right, by ours. An empty token has no time that could be. */
const isPlausible = (token: FencingToken, nowMs: number): boolean => issuedAt(token) - nowMs < MAX_LEAD_MS

/**
 * Whether a token is earlier than another one. One of a wrong clock is earlier than every other: otherwise nothing that is issued
 * after it would count for as long as that clock was ahead. Several of them keep their order, in case the wrong clock is ours.
 */
export function isEarlier(token: FencingToken, other: FencingToken, nowMs: number): boolean {
  const wasRight = isPlausible(token, nowMs)
  return wasRight === isPlausible(other, nowMs) ? token < other : !wasRight
}

/**
 * Issues fencing tokens. The next token is later than every token observed so far, however clocks differ: a player who reconnects
 * through another machine gets the later session even if the clock of that machine is behind.
 */
export class FencingTokens {
  #lastMs = 0

  /** @param after a token that the next one is to sort after, even if it comes from a wrong clock */
  next(nowMs: number, issuer: string, after: FencingToken = ''): FencingToken {
    // Our own clock was far ahead and has been corrected: the tokens it issued then count as the earliest.
    if (this.#lastMs - nowMs >= MAX_LEAD_MS) this.#lastMs = 0
    const afterMs = issuedAt(after)
    this.#lastMs = Math.max(Math.floor(nowMs), this.#lastMs + 1, afterMs < MAX_MS ? afterMs + 1 : 0)
    return `${this.#lastMs.toString(36).padStart(TIME_DIGITS, '0')}-${issuer}`
  }

  /** Takes note of a token that another process issued. */
  observe(token: FencingToken, nowMs: number): void {
    if (isPlausible(token, nowMs)) this.#lastMs = Math.max(this.#lastMs, issuedAt(token))
  }
}

/**
 * Accepts messages of the latest term received so far and rejects those of earlier terms: an archipelago that was paused or cut
 * off does not know that another one took over, but its subscribers do. Terms of a wrong clock are accepted as long as there is no
 * other. Messages without a term come from services without terms, and are accepted.
 */
export class TermFence {
  #latest: FencingToken = ''

  /** The latest term received; empty before the first. */
  get latest(): FencingToken {
    return this.#latest
  }

  /** Whether a message of this term is to be processed. */
  accepts(term: FencingToken | undefined, nowMs: number): boolean {
    if (term === undefined) return true
    if (isEarlier(term, this.#latest, nowMs)) return false
    this.#latest = term
    return true
  }
}
