import { isDeepStrictEqual } from 'node:util'
import type { RunningPart } from './runtime.ts'

interface Supervised<Spec> {
  part: RunningPart<Spec> | undefined
  /** What the part runs with now. */
  current: Spec | undefined
  /** What it should run with; undefined = it is to be stopped. */
  desired: Spec | undefined
  /** Resolves when every step so far is done: a name never has two parts at once, and each step waits for the one before. */
  settled: Promise<void>
}

/** Runs parts by name: starts, updates, restarts and stops them. */
export class Supervisor<Spec> {
  readonly #start: (spec: Spec) => Promise<RunningPart<Spec>>
  readonly #parts = new Map<string, Supervised<Spec>>()

  constructor(start: (spec: Spec) => Promise<RunningPart<Spec>>) {
    this.#start = start
  }

  /**
   * Starts a part, updates it when its spec differs, restarts it when it cannot be updated; false = nothing to do.
   * @throws what the start throws
   */
  async ensure(name: string, spec: Spec): Promise<boolean> {
    const supervised = this.#parts.get(name)
    if (supervised?.part && isDeepStrictEqual(supervised.desired, spec) && isDeepStrictEqual(supervised.current, spec))
      return false
    await this.#change(name, spec)
    return true
  }

  /** Stops a part gracefully; false = there was none. */
  async remove(name: string): Promise<boolean> {
    if (!this.#parts.has(name)) return false
    await this.#change(name, undefined)
    return true
  }

  /** The part of a name, and whether it runs with its last spec; undefined when none runs or it is to be stopped. */
  find(name: string): { ready: boolean; current: boolean } | undefined {
    const supervised = this.#parts.get(name)
    if (!supervised?.part || !supervised.desired) return undefined
    const { part, current, desired } = supervised
    return { ready: part.readiness().ready, current: isDeepStrictEqual(current, desired) }
  }

  /** Parts that are being stopped are among them. */
  names(): readonly string[] {
    return [...this.#parts.keys()]
  }

  async removeAll(): Promise<void> {
    await allSettled(this.names().map((name) => this.remove(name)))
  }

  #change(name: string, desired: Spec | undefined): Promise<void> {
    const supervised = this.#parts.get(name) ?? { part: undefined, current: undefined, desired, settled: Promise.resolve() }
    this.#parts.set(name, supervised)
    supervised.desired = desired
    const step = supervised.settled.then(() => this.#settle(supervised, desired))
    supervised.settled = step
      .catch(() => {})
      .then(() => {
        if (!supervised.part && !supervised.desired && this.#parts.get(name) === supervised) this.#parts.delete(name)
      })
    return step
  }

  async #settle(supervised: Supervised<Spec>, desired: Spec | undefined): Promise<void> {
    if (supervised.desired !== desired) return // changed meanwhile: the step for that follows
    if (supervised.part && desired) {
      if (isDeepStrictEqual(supervised.current, desired)) return
      if (await supervised.part.update(desired)) {
        supervised.current = desired
        return
      }
    }
    const { part } = supervised
    supervised.part = undefined
    await part?.stop()
    if (!desired) return
    supervised.part = await this.#start(desired)
    supervised.current = desired
  }
}

/** Waits for all of them, whether they succeed or fail, and throws the first thing thrown. */
export async function allSettled<Outcome>(steps: readonly Promise<Outcome>[]): Promise<Outcome[]> {
  const outcomes = await Promise.allSettled(steps)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
