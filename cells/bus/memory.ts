import type { Log } from '../chassis/log.ts'
import type { Bus, BusListener } from './bus.ts'

/**
 * The bus of a single process. Delivery is asynchronous, in order, as with a broker, so that code which works here
 * does not depend on a listener having run when `publish` returns.
 */
export function createMemoryBus(log: Log): Bus {
  const literal = new Map<string, Set<BusListener>>()
  const patterns = new Map<string, { isFor: (subject: string) => boolean; listeners: Set<BusListener> }>()
  let queue: { subject: string; payload: Uint8Array }[] = []
  let scheduled = false
  let drained: Promise<void> = Promise.resolve()
  let closed = false

  function deliver(): void {
    scheduled = false
    const batch = queue
    queue = []
    for (const message of batch) {
      const listeners = literal.get(message.subject)
      if (listeners) call(listeners, message)
      for (const pattern of patterns.values()) if (pattern.isFor(message.subject)) call(pattern.listeners, message)
    }
  }

  function call(listeners: ReadonlySet<BusListener>, { subject, payload }: { subject: string; payload: Uint8Array }): void {
    for (const listener of listeners) {
      try {
        listener(payload, subject)
      } catch (error) {
        log.error({ err: error, subject }, 'a bus listener failed')
      }
    }
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
      const entry = patterns.get(pattern) ?? { isFor: matcherOf(pattern), listeners: new Set<BusListener>() }
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

/** Whether a subject is one of a pattern. Most patterns have one `*`: they are matched without taking the subject apart. */
function matcherOf(pattern: string): (subject: string) => boolean {
  const [before = '', after = '', ...others] = pattern.split('*')
  if (others.length === 0) {
    return (subject) => {
      if (!subject.startsWith(before) || !subject.endsWith(after)) return false
      const token = subject.length - before.length - after.length
      const dot = subject.indexOf('.', before.length)
      return token >= 0 && (dot < 0 || dot === before.length + token)
    }
  }
  const wanted = pattern.split('.')
  return (subject) => {
    const tokens = subject.split('.')
    return wanted.length === tokens.length && wanted.every((token, i) => token === '*' || token === tokens[i])
  }
}
