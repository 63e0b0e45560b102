import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Database } from './adapters/database.ts'

/** A kick is in force everywhere within a second, whichever replica it was made at. */
const REFRESH_MS = 500
const TIMEOUT_MS = 4_000
/** Connectors look several times a second: a kick that is older has ended what it could end. */
const SHOWN_MS = 60_000
const MAX_KICKS = 10_000

// The age is that by the clock of the database, the one clock that all replicas have in common.
const KICKS = `
  SELECT id::text AS "id", address, (extract(epoch FROM clock_timestamp() - kicked_at) * 1000)::float8 AS "ageMs"
    FROM player_kicks ORDER BY player_kicks.id DESC LIMIT ${MAX_KICKS}`

interface StoredKick {
  id: string
  address: PeerId
  ageMs: number
}

/**
 * The kicks of the last minute, for connectors: each ends the sessions of the player that are older than the kick, and takes the
 * player again. Looked for in the background twice a second; while the database fails, no new kick is found.
 */
export class KickList implements Running {
  readonly #database: Pick<Database, 'query'>
  readonly #options: { clock: Clock; log: Log }
  readonly #refreshing: Running
  /** When each player was kicked last, by the monotonic clock. */
  #kickedAtMs = new Map<PeerId, number>()
  #version = ''
  #isFailing = false

  constructor(database: Pick<Database, 'query'>, options: { clock: Clock; log: Log }) {
    this.#database = database
    this.#options = options
    this.#refreshing = repeat({ ...options, delayMs: () => REFRESH_MS, task: () => this.read() })
  }

  /** Another text after every kick, the same one at all replicas; '' without any. */
  get version(): string {
    return this.#version
  }

  /** How long ago the player was kicked; undefined where that was not within the last minute. */
  secondsSince(address: PeerId): number | undefined {
    const atMs = this.#kickedAtMs.get(address)
    if (atMs === undefined) return undefined
    const ageMs = Math.max(0, this.#options.clock.monotonic() - atMs)
    return ageMs < SHOWN_MS ? ageMs / 1_000 : undefined
  }

  /** Reads the kicks now, because there is a new one. Never rejects: after a failure the next look finds it. */
  async read(): Promise<void> {
    const { clock, log } = this.#options
    try {
      const reading = this.#database.query<StoredKick>(KICKS)
      const kicks = await withDeadline(reading, { clock, ms: TIMEOUT_MS, what: 'reading the kicks' })
      const nowMs = clock.monotonic()
      this.#kickedAtMs = new Map(kicks.reverse().map(({ address, ageMs }) => [address, nowMs - ageMs]))
      const latest = kicks.at(-1)
      // Two transactions may end in another order than they took their ids in, so the id of the latest kick is not enough.
      this.#version = latest ? `.${latest.id}.${kicks.length}` : ''
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) log.warn({ error: messageOf(error) }, 'the kicks of players cannot be read')
      this.#isFailing = true
    }
  }

  stop(): Promise<void> {
    return this.#refreshing.stop()
  }
}
