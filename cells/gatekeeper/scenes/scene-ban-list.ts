import type { Clock } from '../../chassis/clock.ts'
import { withDeadline } from '../../chassis/deadline.ts'
import { messageOf } from '../../chassis/errors.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { SceneBan, SceneRecords } from './scene-records.ts'

/** As `BanListOptions`. */
export interface SceneBanListOptions {
  clock: Clock
  log: Log
  /** Called for every attempt to read the bans that failed. */
  onFailure: () => void
  /** Called when other bans were read than before, with the places whose bans are others. */
  onChange?: ((placeIds: ReadonlySet<string>) => void) | undefined
}

const REFRESH_MS = 700
const VERSION_TIMEOUT_MS = 4_000
const READ_TIMEOUT_MS = 20_000
const nowhere: ReadonlySet<string> = new Set()

/**
 * The bans of all scenes in memory, by wallet: almost no player has one, and for all others a request for a room needs neither the
 * database nor the place of the scene. Looked for every second; while the database fails, the bans read before stay.
 */
export class SceneBanList implements Running {
  readonly #records: Pick<SceneRecords, 'allBans' | 'bansOf' | 'bansVersion'>
  readonly #options: SceneBanListOptions
  readonly #refreshing: Running
  #places: Map<PeerId, ReadonlySet<string>> | undefined
  #version: string | undefined
  /** Wallets that were read by themselves while all bans were being read: what was read of them is newer. */
  #reread = new Set<PeerId>()
  #isFailing = false
  /** Resolves after the first attempt to read the bans, also when it failed. */
  readonly attempted: Promise<void>

  constructor(records: Pick<SceneRecords, 'allBans' | 'bansOf' | 'bansVersion'>, options: SceneBanListOptions) {
    this.#records = records
    this.#options = options
    const attempted = Promise.withResolvers<void>()
    this.attempted = attempted.promise
    const { clock, log } = options
    const task = () => this.#refresh().finally(attempted.resolve)
    this.#refreshing = repeat({ clock, log, delayMs: () => REFRESH_MS, task })
  }

  /** False until the bans were read for the first time. */
  get known(): boolean {
    return this.#places !== undefined
  }

  /** Whether anyone is banned from any scene. */
  get isEmpty(): boolean {
    return this.#places === undefined || this.#places.size === 0
  }

  /** The ids of the places from which a wallet is banned. */
  placesOf(wallet: PeerId): ReadonlySet<string> {
    return this.#places?.get(wallet) ?? nowhere
  }

  /** Reads the bans of one wallet now, because they were changed. Never rejects: after a failure the next look finds the change. */
  async reread(address: PeerId): Promise<void> {
    const { clock, log, onFailure } = this.#options
    try {
      const bans = await withDeadline(this.#records.bansOf(address), {
        clock,
        ms: VERSION_TIMEOUT_MS,
        what: 'reading scene bans',
      })
      this.#reread.add(address)
      this.#replace(address, bans)
    } catch (error) {
      onFailure()
      log.warn({ peer: address, error: messageOf(error) }, 'the scene bans of a player cannot be read now')
    }
  }

  stop(): Promise<void> {
    return this.#refreshing.stop()
  }

  #replace(address: PeerId, bans: readonly SceneBan[]): void {
    if (bans.length === 0) this.#places?.delete(address)
    else this.#places?.set(address, new Set(bans.map(({ placeId }) => placeId)))
  }

  async #refresh(): Promise<void> {
    const { clock, log, onFailure } = this.#options
    // Two reads of one wallet may end in the other order than they began: after any of them everything is read once more.
    const wasReread = this.#reread.size > 0
    this.#reread = new Set()
    try {
      const version = await withDeadline(this.#records.bansVersion(), {
        clock,
        ms: VERSION_TIMEOUT_MS,
        what: 'reading scene bans',
      })
      if (version !== this.#version || wasReread) {
        const bans = await withDeadline(this.#records.allBans(), { clock, ms: READ_TIMEOUT_MS, what: 'reading scene bans' })
        const before = this.#places
        const newer = [...this.#reread].map((address) => [address, this.#places?.get(address)] as const)
        this.#places = new Map(
          [...Map.groupBy(bans, ({ address }) => address)].map(([address, own]) => [
            address,
            new Set(own.map(({ placeId }) => placeId)),
          ]),
        )
        for (const [address, places] of newer) {
          if (places) this.#places.set(address, places)
          else this.#places.delete(address)
        }
        this.#version = version
        this.#options.onChange?.(differing(before ?? new Map(), this.#places))
      }
      if (this.#isFailing) log.info({}, 'the scene bans can be read again')
      this.#isFailing = false
    } catch (error) {
      onFailure()
      if (!this.#isFailing)
        log.warn({ error: messageOf(error) }, 'the scene bans cannot be read, and those read before stay in force')
      this.#isFailing = true
    }
  }
}

/** The places from which other wallets are banned in the one than in the other. */
function differing(
  one: ReadonlyMap<PeerId, ReadonlySet<string>>,
  other: ReadonlyMap<PeerId, ReadonlySet<string>>,
): ReadonlySet<string> {
  const places = new Set<string>()
  const addMissing = (from: typeof one, to: typeof one) => {
    for (const [wallet, banned] of from) for (const place of banned) if (!to.get(wallet)?.has(place)) places.add(place)
  }
  addMissing(one, other)
  addMissing(other, one)
  return places
}
