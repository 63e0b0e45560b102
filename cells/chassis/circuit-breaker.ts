import { Refusal } from './errors.ts'

/** When a breaker opens, and for how long. */
export interface CircuitBreakerOptions {
  /** Failures in a row after which it opens. */
  failures: number
  /** Milliseconds for which it then refuses calls; afterwards one call is let through, and its result decides. */
  openMs: number
  /** Milliseconds of a clock that never goes back. */
  now: () => number
  /** What is called, for the message: `LiveKit`. */
  what: string
  /** Called when it opens or closes. */
  onChange?: (isOpen: boolean) => void
}

/** Spares a server that does not answer, and spares its callers the wait: while it is open, calls are refused at once. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions
  #failures = 0
  #openUntil: number | undefined
  #isTrying = false

  constructor(options: CircuitBreakerOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#openUntil !== undefined
  }

  /**
   * @param isFailure whether an error says that the server does not answer; other errors are answers
   * @throws Refusal UNAVAILABLE while it is open
   */
  async call<Result>(work: () => Promise<Result>, isFailure: (error: unknown) => boolean): Promise<Result> {
    const { now, what } = this.#options
    if (this.#openUntil !== undefined) {
      if (this.#isTrying || now() < this.#openUntil) throw new Refusal('UNAVAILABLE', `${what} does not answer`)
      this.#isTrying = true
    }
    try {
      const result = await work()
      this.#succeeded()
      return result
    } catch (error) {
      if (isFailure(error)) this.#failed()
      else this.#succeeded()
      throw error
    }
  }

  #succeeded(): void {
    const wasOpen = this.isOpen
    this.#failures = 0
    this.#isTrying = false
    this.#openUntil = undefined
    if (wasOpen) this.#options.onChange?.(false)
  }

  #failed(): void {
    const { failures, openMs, now, onChange } = this.#options
    this.#failures++
    this.#isTrying = false
    if (this.#failures < failures) return
    const wasOpen = this.isOpen
    this.#openUntil = now() + openMs
    if (!wasOpen) onChange?.(true)
  }
}
