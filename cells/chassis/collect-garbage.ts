import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects the garbage of this thread, and gives the system the memory it was in. By itself V8 leaves it among what stays, and a thread that
 * makes little garbage afterwards keeps it for good. It takes 50 to 150 ms, so it is for moments in which nothing is waiting for the thread.
 */
export function collectGarbage(): void {
  // It is never taken back: the flag is that of all threads, and another one may be about to look for the function.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  // Any other flavor leaves objects where they are, and with them most pages.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
