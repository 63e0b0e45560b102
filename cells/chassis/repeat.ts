import { jittered } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Running } from './lifecycle.ts'
import type { Log } from './log.ts'

/** A background task and its schedule. */
export interface RepeatOptions {
  task: () => Promise<void>
  /** Milliseconds from the end of one run to the start of the next; computed each time, and varied by a fifth either way. */
  delayMs: () => number
  clock: Clock
  log: Log
}

/**
 * Runs a task at once and then repeatedly, one run at a time. A run that throws is a bug: it is logged, and the next one follows.
 */
export function repeat({ task, delayMs, clock, log }: RepeatOptions): Running {
  let stopped = false
  let cancel = () => {}
  let current = Promise.resolve()
  const run = () => {
    current = task()
      .catch((error: unknown) => log.error({ err: error }, 'a background task failed on a bug'))
      .then(() => {
        if (!stopped) cancel = clock.after(jittered(delayMs(), Math.random()), run)
      })
  }
  run()
  return {
    stop: () => {
      stopped = true
      cancel()
      return current
    },
  }
}
