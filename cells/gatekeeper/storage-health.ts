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
/** Long enough for a database to fail over; until then the bans apply as they were last read. */
const GRACE_MS = 30_000

/** Checks in the background whether the storage can be reached, so that a readiness probe never waits for a database. */
export class StorageHealth implements Running {
  readonly #storage: Pick<Storage, 'ping'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #checking: Running
  #lastSuccessMs: number
  #isReachable = true

  /** Takes the storage for reachable, because it was opened just before. */
  constructor(storage: Pick<Storage, 'ping'>, { clock, log }: { clock: Clock; log: Log }) {
    this.#storage = storage
    this.#clock = clock
    this.#log = log
    this.#lastSuccessMs = clock.monotonic()
    this.#checking = repeat({ clock, log, delayMs: () => CHECK_EVERY_MS, task: () => this.#check() })
  }

  readiness(): Readiness {
    const isReady = this.#clock.monotonic() - this.#lastSuccessMs <= GRACE_MS
    return isReady ? { ready: true } : { ready: false, reason: 'the database cannot be reached' }
  }

  stop(): Promise<void> {
    return this.#checking.stop()
  }

  async #check(): Promise<void> {
    const [clock, log] = [this.#clock, this.#log]
    try {
      await withDeadline(this.#storage.ping(), { clock, ms: CHECK_TIMEOUT_MS, what: 'pinging the database' })
      this.#lastSuccessMs = clock.monotonic()
      if (!this.#isReachable) log.info('the database can be reached again')
      this.#isReachable = true
    } catch (error) {
      if (this.#isReachable) log.warn({ error: messageOf(error) }, 'the database cannot be reached')
      this.#isReachable = false
    }
  }
}
