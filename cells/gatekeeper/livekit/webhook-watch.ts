import type { Clock } from '../../chassis/clock.ts'
import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { LivekitRoom } from '../../rtc/livekit-rooms.ts'
import type { Database } from '../adapters/database.ts'

export interface WebhookWatchOptions {
  database: Pick<Database, 'query'>
  clock: Clock
  log: Log
}

/** Players who join and leave cause webhooks; rooms that are full for so long without one mean that LiveKit sends none here. */
const PATIENCE_MS = 300_000
const NOTE_EVERY_MS = 60_000
const NOTE = `INSERT INTO livekit_webhooks (received_at) VALUES ($1::float8::bigint)
  ON CONFLICT (is_only) DO UPDATE SET received_at = EXCLUDED.received_at`

/** Whether webhooks arrived at any replica; `missing` = none ever did although players were in the rooms for a while. */
export type WebhookState = 'arrive' | 'missing' | 'unknown'

/** Finds out when players are in the rooms and no replica ever received a webhook: then LiveKit is not told where to send them. */
export class WebhookWatch {
  readonly #options: WebhookWatchOptions
  #notedAtMs = Number.NEGATIVE_INFINITY
  #peopledSinceMs: number | undefined
  #state: WebhookState = 'unknown'

  constructor(options: WebhookWatchOptions) {
    this.#options = options
  }

  get state(): WebhookState {
    return this.#state
  }

  /** A webhook arrived here. Never rejects. */
  async received(): Promise<void> {
    const { database, clock, log } = this.#options
    this.#state = 'arrive'
    if (clock.monotonic() - this.#notedAtMs < NOTE_EVERY_MS) return
    this.#notedAtMs = clock.monotonic()
    await database
      .query(NOTE, [clock.now()])
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'the arrival of a webhook could not be noted'))
  }

  /** The rooms at this moment. Never rejects. */
  async look(rooms: readonly LivekitRoom[]): Promise<void> {
    const { database, clock, log } = this.#options
    if (this.#state === 'arrive') return
    if (!rooms.some(({ participantCount }) => participantCount > 0)) this.#peopledSinceMs = undefined
    else this.#peopledSinceMs ??= clock.monotonic()
    try {
      const noted = await database.query('SELECT received_at FROM livekit_webhooks')
      if (noted.length > 0) this.#state = 'arrive'
      const isLate = this.#peopledSinceMs !== undefined && clock.monotonic() - this.#peopledSinceMs >= PATIENCE_MS
      if (this.#state !== 'unknown' || !isLate) return
      this.#state = 'missing'
      log.warn('LiveKit sends no webhooks here: set webhook.urls of LiveKit, so that bans and voice chats follow at once')
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'whether a webhook ever arrived could not be read')
    }
  }
}
