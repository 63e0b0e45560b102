import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Readiness } from '../chassis/health.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { Storage } from './adapters/storage.ts'

const CHECK_EVERY_MS = 5_000
const CHECK_TIMEOUT_MS = 4_000
/** Long enough for a database to fail over; until then players are let in without it (gatekeeper.md §11.4). */
const GRACE_MS = 30_000

/** Whether the storage can be reached, found out in the background: a probe never waits for a database. */
export function monitorStorage(
  storage: Pick<Storage, 'ping'>,
  { clock, log }: { clock: Clock; log: Log },
): Running & { readiness(): Readiness } {
  let lastGoodMs = clock.now() // it was just opened
  let reachable = true
  const checking = repeat({
    clock,
    log,
    delayMs: () => CHECK_EVERY_MS,
    task: async () => {
      try {
        await withDeadline(storage.ping(), { clock, ms: CHECK_TIMEOUT_MS, what: 'asking the database' })
        lastGoodMs = clock.now()
        if (!reachable) log.info('the database is back')
        reachable = true
      } catch (error) {
        if (reachable) log.warn({ error: messageOf(error) }, 'the database cannot be reached')
        reachable = false
      }
    },
  })
  return {
    readiness: () =>
      clock.now() - lastGoodMs <= GRACE_MS ? { ready: true } : { ready: false, reason: 'the database cannot be reached' },
    stop: () => checking.stop(),
  }
}
