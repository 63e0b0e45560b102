import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Bytes that the heap grows by during `work`, with all garbage in it. Only for work that leaves less than a few megabytes: with more, some
 * would be collected meanwhile.
 */
export function heapGrowth(work: () => void): number {
  collectGarbage()
  const before = getHeapStatistics().used_heap_size
  work()
  return getHeapStatistics().used_heap_size - before
}
