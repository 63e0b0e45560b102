import type { Running } from '../../cells/chassis/lifecycle.ts'

/** The work of one leadership term. */
export interface Term extends Running {
  loop: { readonly waiting: readonly string[] }
}

/** Runs the work of one leadership term after the other: a new term begins only when nothing of the last one is under way. */
export class LeadershipTerms implements Running {
  readonly #start: () => Term
  #isLeading = false
  #stopped = false
  #running: Term | undefined
  /** Resolves when every change so far has been carried out. */
  #settled = Promise.resolve()

  /** @param start begins the work of one term */
  constructor(start: () => Term) {
    this.#start = start
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

  #end(): Promise<void> {
    this.#isLeading = false
    this.#settled = this.#settled.then(async () => {
      const ending = this.#running
      this.#running = undefined
      await ending?.stop()
    })
    return this.#settled
  }
}
