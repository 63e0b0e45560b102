import { performance } from 'node:perf_hooks'
import { collectGarbage } from '../../cells/chassis/collect-garbage.ts'

/** The share of its time that a thread works at most which waits for others. */
const IDLE = 0.25

/** The memory that only the start of this process needed: garbage of this thread, and what the C library keeps of memory that was freed. */
export class StartGarbage {
  readonly #collect: () => void
  #before = performance.eventLoopUtilization()
  #isCollected = false

  /** @param collect for tests: what collects the garbage of this thread */
  constructor(collect = collectGarbage) {
    this.#collect = collect
  }

  /** Collects the garbage if this thread has mostly waited since the last call: the start takes no longer, where another thread is at work. */
  collectIfIdle(): void {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#before)
    this.#before = now
    if (utilization < IDLE) this.#collectOnce()
  }

  /** Gives all of it back to the system. To be called once, before anyone can be kept waiting. */
  async giveBack(): Promise<void> {
    this.#collectOnce()
    await trimHeaps()
  }

  #collectOnce(): void {
    if (this.#isCollected) return
    this.#isCollected = true
    this.#collect()
  }
}

/** Gives the system what is free in the heaps of the C library, of which each thread has one. That takes one or two milliseconds. */
async function trimHeaps(): Promise<void> {
  if (process.platform !== 'linux') return
  try {
    const { default: koffi } = await import('koffi')
    koffi.load(null).func('int malloc_trim(size_t keep)')(0)
  } catch {
    // Another C library than that of GNU, or the package is not built for this machine.
  }
}
