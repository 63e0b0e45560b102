/** How often clients are sent what has changed. */
export interface SendRates {
  /** Every how many rounds each client is served; clients take turns. */
  stride: number
  /** In every how many of its rounds a client is sent the changes of a tier: powers of two, none smaller than the one before. */
  tierRounds: readonly number[]
  /** In how many rounds it is found out once whom each player sees. */
  lookTicks: number
}

/** As explorers expect it: 20, 10 and 5 times a second. */
export const FULL_RATES: SendRates = { stride: 1, tierRounds: [1, 2, 4], lookTicks: 10 }

/**
 * Those close by ten times a second, as often as clients send states: the same changes are sent as at full rates, in half of the datagrams
 * where a client sees few others.
 */
export const AS_OFTEN_AS_STATES: SendRates = { stride: 2, tierRounds: [1, 1, 2], lookTicks: 20 }

interface LoadLevel {
  rates: SendRates
  /** What a round costs with these rates, in parts of what it costs at full rates: about what was measured of a crowd. */
  cost: number
}

/**
 * What is given up with more to send than there is time for: first that changes of those close by come a twentieth of a second earlier, then
 * those far away are sent less often, whom a player hardly sees move. Up to the last level but one, those close by come as often as clients
 * send states.
 */
const LEVELS: readonly LoadLevel[] = [
  { rates: FULL_RATES, cost: 1 },
  { rates: AS_OFTEN_AS_STATES, cost: 0.75 },
  { rates: { stride: 2, tierRounds: [1, 1, 4], lookTicks: 20 }, cost: 0.65 },
  { rates: { stride: 2, tierRounds: [1, 2, 8], lookTicks: 20 }, cost: 0.5 },
  { rates: { stride: 4, tierRounds: [1, 2, 4], lookTicks: 20 }, cost: 0.35 },
]

/** Weight of the last round in the average. */
const SMOOTHING = 0.1
/** Shares of the time that rounds may take: the rest is for what arrives. */
const TOO_MUCH = 0.65
const ENOUGH = 0.45
/** A pause of the whole process counts as one round that is not in time, however long it was. */
const MOST = 4

/** Chooses the rates by the time that the rounds take, so that a relay with more to do than it can sends less instead of later and later. */
export class SendLevel {
  readonly #intervalMs: number
  #share = 0
  /** 0 at full rates. */
  current = 0

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  get rates(): SendRates {
    return LEVELS[this.current]?.rates ?? FULL_RATES
  }

  /** Takes note of how long a round took, and by how much it came later than it should. */
  observe(tookMs: number, lateMs: number): void {
    const share = Math.min(MOST, (tookMs + lateMs) / this.#intervalMs)
    this.#share += (share - this.#share) * SMOOTHING
    if (this.#share > TOO_MUCH && this.current < LEVELS.length - 1) this.#become(this.current + 1)
    else if (this.current > 0 && this.#shareAt(this.current - 1) < ENOUGH) this.#become(this.current - 1)
  }

  #become(level: number): void {
    this.#share = this.#shareAt(level)
    this.current = level
  }

  /** What rounds are expected to take at another level. */
  #shareAt(level: number): number {
    return (this.#share * (LEVELS[level]?.cost ?? 1)) / (LEVELS[this.current]?.cost ?? 1)
  }
}
