import { isDeepStrictEqual } from 'node:util'
import type { RunningPart } from './runtime.ts'

/** The parts that run, by name. */
export interface Supervisor<Order> {
  /** Starts what does not run, updates what was ordered otherwise, restarts what cannot be updated; false = nothing to do. @throws what the start throws */
  ensure(name: string, order: Order): Promise<boolean>
  /** Stops a part gracefully; false = there was none. */
  remove(name: string): Promise<boolean>
  /** What runs under a name now, and whether its last order is carried out. */
  find(name: string): { ready: boolean; current: boolean } | undefined
  names(): readonly string[]
}

interface Entry<Order> {
  part: RunningPart<Order> | undefined
  /** What the part was last told, and what it should be told; undefined = to be stopped. */
  told: Order | undefined
  wanted: Order | undefined
  /** The end of everything asked so far: a name never has two parts at once, and each step waits for the one before. */
  tail: Promise<void>
}

/** A roster of parts that `start` starts. */
export function createSupervisor<Order>(start: (order: Order) => Promise<RunningPart<Order>>): Supervisor<Order> {
  const entries = new Map<string, Entry<Order>>()

  function ask(name: string, wanted: Order | undefined): Promise<void> {
    const entry = entries.get(name) ?? { part: undefined, told: undefined, wanted, tail: Promise.resolve() }
    entries.set(name, entry)
    entry.wanted = wanted
    const step = entry.tail.then(() => settle(entry, wanted))
    entry.tail = step
      .catch(() => {})
      .then(() => {
        if (!entry.part && !entry.wanted && entries.get(name) === entry) entries.delete(name)
      })
    return step
  }

  async function settle(entry: Entry<Order>, wanted: Order | undefined): Promise<void> {
    if (entry.wanted !== wanted) return // asked otherwise meanwhile: that step follows
    if (entry.part && wanted) {
      if (isDeepStrictEqual(entry.told, wanted)) return
      if (await entry.part.update(wanted)) {
        entry.told = wanted
        return
      }
    }
    const { part } = entry
    entry.part = undefined
    await part?.stop()
    if (!wanted) return
    entry.part = await start(wanted)
    entry.told = wanted
  }

  return {
    async ensure(name, order) {
      const entry = entries.get(name)
      if (entry?.part && isDeepStrictEqual(entry.wanted, order) && isDeepStrictEqual(entry.told, order)) return false
      await ask(name, order)
      return true
    },
    async remove(name) {
      if (!entries.has(name)) return false
      await ask(name, undefined)
      return true
    },
    find(name) {
      const entry = entries.get(name)
      if (!entry?.part || !entry.wanted) return undefined
      return { ready: entry.part.readiness().ready, current: isDeepStrictEqual(entry.told, entry.wanted) }
    },
    names: () => [...entries.keys()],
  }
}
