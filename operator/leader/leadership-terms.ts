import type { SpanClock } from '../../cells/chassis/clock.ts'
import type { Fault } from '../../cells/chassis/health.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'

/** The work of one leadership term. */
export interface Term extends Running {
  loop: { readonly waiting: readonly string[]; fault: Fault }
}

/** Time for the passes under way to end, beyond their own deadlines. */
const STUCK_MS = 5 * 60_000

/** Runs the work of one leadership term after the other: a new term begins only when nothing of the last one is under way. */
export class LeadershipTerms implements Running {
  readonly #start: () => Term
  readonly #clock: Pick<SpanClock, 'monotonic'>
  #isLeading = false
  #stopped = false
  #running: Term | undefined
  /** Since when a term is ending. */
  #endingSince: number | undefined
  /** Resolves when every change so far has been carried out. */
  #settled = Promise.resolve()

  /** @param start begins the work of one term */
  constructor(start: () => Term, clock: Pick<SpanClock, 'monotonic'>) {
    this.#start = start
    this.#clock = clock
  }

  begin(): void {
    this.#isLeading = true
    this.#settled = this.#settled.then(() => {
      if (this.#isLeading && !this.#running && !this.#stopped) this.#running = this.#start()
    })
  }

  end(): void {
    void this.#end()
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.#end()
  }

  /** Objects waiting for their pass in the term that runs. */
  get waiting(): readonly string[] {
    return this.#running?.loop.waiting ?? []
  }

  /** Why this replica reconciles no longer, or could not if it led; undefined while it can. */
  fault(): string | undefined {
    const since = this.#endingSince
    if (since !== undefined && this.#clock.monotonic() - since > STUCK_MS) return 'a term of leadership does not end'
    return this.#running?.loop.fault()
  }

  #end(): Promise<void> {
    this.#isLeading = false
    this.#settled = this.#settled.then(async () => {
      const ending = this.#running
      this.#running = undefined
      this.#endingSince = this.#clock.monotonic()
      await ending?.stop()
      this.#endingSince = undefined
    })
    return this.#settled
  }
}
