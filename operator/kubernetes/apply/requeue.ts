import type { Clock } from '../../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'

/** Objects to look at again later, whatever happens until then. */
export interface Requeue {
  /** Looks at an object again in a while; the earlier of two such wishes wins. */
  later(kind: Kind, key: ObjectKey, afterMs: number): void
  onWake(listener: (kind: Kind, key: ObjectKey) => void): () => void
}

/** Wakes by a clock, one timer per object. */
export function createRequeue(clock: Clock): Requeue {
  const listeners = new Set<(kind: Kind, key: ObjectKey) => void>()
  const timers = new Map<string, { at: number; cancel: () => void }>()
  return {
    later(kind, { namespace, name }, afterMs) {
      const id = `${kind}/${namespace}/${name}`
      const at = clock.now() + afterMs
      const known = timers.get(id)
      if (known && known.at <= at) return
      known?.cancel()
      const cancel = clock.after(afterMs, () => {
        timers.delete(id)
        for (const listener of listeners) listener(kind, { namespace, name })
      })
      timers.set(id, { at, cancel })
    },
    onWake(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
