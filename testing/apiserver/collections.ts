import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Every Map and Set created since the start, by the source line that created it. */
export interface Collections {
  /** Entries of those that are still reachable, by source line; lines that the filter rejects are left out. */
  sizes(isOfInterest: (line: string) => boolean): Promise<Record<string, number>>
  /** Restores the original Map and Set. */
  stop(): void
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Tracks every Map and Set that is created from now on, without changes to the code that creates them. */
export function watchCollections(): Collections {
  const made: { line: string; ref: WeakRef<{ size: number }> }[] = []
  const { Map: plainMap, Set: plainSet } = globalThis
  const watch = (collection: { size: number }) => {
    const line =
      new Error().stack?.split('\n').find((frame) => frame.startsWith('    at ') && !frame.includes('collections.ts')) ?? ''
    made.push({ line: line.trim(), ref: new WeakRef(collection) })
  }
  globalThis.Map = class<K, V> extends plainMap<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries ?? [])
      watch(this)
    }
  } as MapConstructor
  globalThis.Set = class<T> extends plainSet<T> {
    constructor(items?: Iterable<T> | null) {
      super(items ?? [])
      watch(this)
    }
  } as SetConstructor
  return {
    async sizes(isOfInterest) {
      // A WeakRef that was read keeps its target alive until the end of the turn of the event loop.
      for (let turn = 0; turn < 3; turn++) {
        await new Promise(setImmediate)
        collectGarbage()
      }
      const sizes: Record<string, number> = {}
      for (const { line, ref } of made) {
        const size = ref.deref()?.size
        if (size !== undefined && isOfInterest(line)) sizes[line] = (sizes[line] ?? 0) + size
      }
      return sizes
    },
    stop() {
      globalThis.Map = plainMap
      globalThis.Set = plainSet
    },
  }
}
