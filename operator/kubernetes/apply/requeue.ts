import type { SpanClock } from '../../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'

type Listener = (kind: Kind, key: ObjectKey) => void

/** Realms and cells to reconcile again after a delay, whatever changes until then: one timer per object. */
export class Requeue {
  readonly #clock: SpanClock
  readonly #listeners = new Set<Listener>()
  readonly #timers = new Map<string, { at: number; cancel: () => void }>()

  constructor(clock: SpanClock) {
    this.#clock = clock
  }

  /** Of two delays for the same object the one that ends earlier holds. */
  after(kind: Kind, { namespace, name }: ObjectKey, delayMs: number): void {
    const id = `${kind}/${namespace}/${name}`
    const at = this.#clock.monotonic() + delayMs
    const scheduled = this.#timers.get(id)
    if (scheduled && scheduled.at <= at) return
    scheduled?.cancel()
    const cancel = this.#clock.after(delayMs, () => {
      this.#timers.delete(id)
      for (const listener of this.#listeners) listener(kind, { namespace, name })
    })
    this.#timers.set(id, { at, cancel })
  }

  /** The returned function removes the listener. */
  onDue(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
