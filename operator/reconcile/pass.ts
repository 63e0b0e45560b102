import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

const passes = new AsyncLocalStorage<Pass>()

/** One pass over one key, which everything that runs on its behalf can ask for. */
export class Pass {
  /** Of each line that is logged during the pass; the name of the id is that of controller-runtime. */
  readonly #fields: { readonly reconcileID: string; readonly key: string }
  #hasEnded = false

  constructor(key: string) {
    this.#fields = { reconcileID: randomUUID(), key }
  }

  /** Of the lines of its log, and of its span. */
  get id(): string {
    return this.#fields.reconcileID
  }

  run<Result>(work: () => Result): Result {
    return passes.run(this, work)
  }

  /** What the pass has started and what outlives it, such as a repeated probe, is no longer part of it. */
  end(): void {
    this.#hasEnded = true
  }

  /** The fields of the pass under way here, for the log; none outside of a pass. */
  static fields(): object {
    const pass = passes.getStore()
    return pass && !pass.#hasEnded ? pass.#fields : {}
  }
}
