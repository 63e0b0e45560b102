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
  readonly #records: Pick<SceneRecords, 'allBans' | 'bansOf' | 'bansSince'>
  readonly #options: SceneBanListOptions
  readonly #refreshing: Running
  #places: Map<PeerId, ReadonlySet<string>> | undefined
  #version: string | undefined
  /** As in `BanList`: the places that were read of single wallets since the last look began. */
  #reread = new Map<PeerId, ReadonlySet<string>>()
  #isFailing = false
  /** Resolves after the first attempt to read the bans, also when it failed. */
  readonly attempted: Promise<void>

  constructor(records: Pick<SceneRecords, 'allBans' | 'bansOf' | 'bansSince'>, options: SceneBanListOptions) {
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
      const bans = await withDeadline(this.#records.bansOf([address]), {
        clock,
        ms: VERSION_TIMEOUT_MS,
        what: 'reading scene bans',
      })
      const places = placesIn(bans)
      this.#reread.set(address, places)
      replace(this.#places, address, places)
    } catch (error) {
      onFailure()
      log.warn({ peer: address, error: messageOf(error) }, 'the scene bans of a player cannot be read now')
    }
  }

  stop(): Promise<void> {
    return this.#refreshing.stop()
  }

  async #refresh(): Promise<void> {
    const { clock, log, onFailure } = this.#options
    const reread = this.#reread
    this.#reread = new Map()
    try {
      const looking = this.#records.bansSince(this.#places && this.#version)
      const { version, wallets } = await withDeadline(looking, { clock, ms: VERSION_TIMEOUT_MS, what: 'reading scene bans' })
      const changed =
        this.#places && wallets
          ? await this.#readOf(this.#places, [...new Set([...wallets, ...reread.keys()])])
          : await this.#readAll()
      const isChanged = version !== this.#version || reread.size > 0
      this.#version = version
      if (isChanged) this.#options.onChange?.(changed)
      if (this.#isFailing) log.info({}, 'the scene bans can be read again')
      this.#isFailing = false
    } catch (error) {
      onFailure()
      this.#reread = new Map([...reread, ...this.#reread])
      if (!this.#isFailing)
        log.warn({ error: messageOf(error) }, 'the scene bans cannot be read, and those read before stay in force')
      this.#isFailing = true
    }
  }

  /** Returns the places whose bans are others. */
  async #readAll(): Promise<ReadonlySet<string>> {
    const { clock } = this.#options
    const bans = await withDeadline(this.#records.allBans(), { clock, ms: READ_TIMEOUT_MS, what: 'reading scene bans' })
    const before = this.#places ?? new Map<PeerId, ReadonlySet<string>>()
    const byWallet = Map.groupBy(bans, ({ address }) => address)
    this.#places = new Map([...byWallet].map(([address, own]) => [address, placesIn(own)]))
    for (const [address, places] of this.#reread) replace(this.#places, address, places)
    return differing(before, this.#places)
  }

  /** The same of some wallets. */
  async #readOf(known: Map<PeerId, ReadonlySet<string>>, wallets: readonly PeerId[]): Promise<ReadonlySet<string>> {
    const { clock } = this.#options
    const reading = this.#records.bansOf(wallets)
    const bans = await withDeadline(reading, { clock, ms: VERSION_TIMEOUT_MS, what: 'reading the scene bans that changed' })
    const byWallet = Map.groupBy(bans, ({ address }) => address)
    const [before, after] = [new Map<PeerId, ReadonlySet<string>>(), new Map<PeerId, ReadonlySet<string>>()]
    for (const wallet of wallets) {
      before.set(wallet, known.get(wallet) ?? nowhere)
      if (!this.#reread.has(wallet)) replace(known, wallet, placesIn(byWallet.get(wallet) ?? []))
      after.set(wallet, known.get(wallet) ?? nowhere)
    }
    return differing(before, after)
  }
}

const placesIn = (bans: readonly SceneBan[]): ReadonlySet<string> => new Set(bans.map(({ placeId }) => placeId))

function replace(all: Map<PeerId, ReadonlySet<string>> | undefined, wallet: PeerId, places: ReadonlySet<string>): void {
  if (places.size === 0) all?.delete(wallet)
  else all?.set(wallet, places)
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
