import type { Log } from '../chassis/log.ts'
import type { Bus, BusListener } from './bus.ts'

/**
 * The bus of a single process. Delivery is asynchronous, in order, as with a broker, so that code which works here
 * does not depend on a listener having run when `publish` returns.
 */
export function createMemoryBus(log: Log): Bus {
  const literal = new Map<string, Set<BusListener>>()
  const patterns = new Map<string, { tokens: readonly string[]; listeners: Set<BusListener> }>()
  let queue: { subject: string; payload: Uint8Array }[] = []
  let scheduled = false
  let drained: Promise<void> = Promise.resolve()
  let closed = false

  function deliver(): void {
    scheduled = false
    const batch = queue
    queue = []
    for (const { subject, payload } of batch) {
      for (const listener of listenersOf(subject)) {
        try {
          listener(payload, subject)
        } catch (error) {
          log.error({ err: error, subject }, 'a bus listener failed')
        }
      }
    }
  }

  function* listenersOf(subject: string): Iterable<BusListener> {
    yield* literal.get(subject) ?? []
    if (patterns.size === 0) return
    const tokens = subject.split('.')
    for (const pattern of patterns.values()) if (matches(pattern.tokens, tokens)) yield* pattern.listeners
  }

  return {
    state: 'connected',
    onState: () => () => undefined,
    publish(subject, payload) {
      if (closed) return
      queue.push({ subject, payload })
      if (scheduled) return
      scheduled = true
      drained = new Promise((resolve) =>
        setImmediate(() => {
          deliver()
          resolve()
        }),
      )
    },
    subscribe(pattern, listener) {
      if (!pattern.includes('*')) {
        const listeners = literal.get(pattern) ?? new Set()
        literal.set(pattern, listeners.add(listener))
        return () => {
          listeners.delete(listener)
          if (listeners.size === 0 && literal.get(pattern) === listeners) literal.delete(pattern)
        }
      }
      const entry = patterns.get(pattern) ?? { tokens: pattern.split('.'), listeners: new Set<BusListener>() }
      patterns.set(pattern, entry)
      entry.listeners.add(listener)
      return () => {
        entry.listeners.delete(listener)
        if (entry.listeners.size === 0 && patterns.get(pattern) === entry) patterns.delete(pattern)
      }
    },
    flush: () => drained,
    async close() {
      await drained
      closed = true
      literal.clear()
      patterns.clear()
    },
  }
}

const matches = (pattern: readonly string[], tokens: readonly string[]): boolean =>
  pattern.length === tokens.length && pattern.every((token, i) => token === '*' || token === tokens[i])
