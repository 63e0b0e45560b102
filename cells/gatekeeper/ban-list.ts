import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Storage } from './adapters/storage.ts'
import { ActiveBans, type BanSubject, type PlatformBan } from './core/active-bans.ts'

type StoredBans = Pick<Storage, 'unliftedBans' | 'unliftedBansOf' | 'bansSince'>

export interface BanListOptions {
  clock: Clock
  log: Log
  /** Called for every attempt to read the bans that failed. */
  onFailure: () => void
  /** Called when other bans were read than before. */
  onChange?: () => void
}

/** A ban is in force everywhere within a second, whichever replica it was made at. */
const REFRESH_MS = 500
const VERSION_TIMEOUT_MS = 4_000
/** For a hundred thousand bans on a slow database. */
const READ_TIMEOUT_MS = 20_000

/**
 * The bans in force, held in memory: looked for in the background twice a second, those of the wallets that changed are read, so that
 * no request waits for the database and no load on it decides about a player. While the database fails, the bans read before stay in
 * force.
 */
export class BanList implements Running {
  readonly #storage: StoredBans
  readonly #options: BanListOptions
  readonly #refreshing: Running
  #bans: ActiveBans | undefined
  #version: string | undefined
  #readAtMs: number | undefined
  #isFailing = false
  /**
   * What was read of single wallets since the last look began: it is kept where that ends later, and read once more with the next one,
   * because two reads of one wallet may have ended in the other order.
   */
  #reread = new Map<PeerId, readonly PlatformBan[]>()
  /** Resolves after the first attempt to read the bans, also when it failed. */
  readonly attempted: Promise<void>

  constructor(storage: StoredBans, options: BanListOptions) {
    this.#storage = storage
    this.#options = options
    const attempted = Promise.withResolvers<void>()
    this.attempted = attempted.promise
    const { clock, log } = options
    this.#refreshing = repeat({
      clock,
      log,
      delayMs: () => REFRESH_MS,
      task: () => this.#refresh().finally(attempted.resolve),
    })
  }

  /** False until the bans were read for the first time; until then it is not known which players are banned. */
  get known(): boolean {
    return this.#bans !== undefined
  }

  get size(): number {
    return this.#bans?.size ?? 0
  }

  /** Seconds since the bans were read; NaN before the first time. */
  get ageSeconds(): number {
    return this.#readAtMs === undefined ? Number.NaN : (this.#options.clock.monotonic() - this.#readAtMs) / 1_000
  }

  /** Another text after every change; undefined before the bans were read for the first time. */
  get version(): string | undefined {
    return this.#version
  }

  /** Whether any ban is against a device, too. */
  get hasDevices(): boolean {
    return this.#bans?.hasDevices ?? false
  }

  /** The ban in force against the wallet or the device, the latest if there are several. */
  against(subject: BanSubject): PlatformBan | undefined {
    return this.#bans?.against(subject, this.#options.clock.now())
  }

  /** All bans in force, the latest first. */
  inForce(): PlatformBan[] {
    return this.#bans?.inForce(this.#options.clock.now()) ?? []
  }

  /** Reads the bans of one wallet now, because they were changed. Never rejects: after a failure the next look finds the change. */
  async reread(address: PeerId): Promise<void> {
    const { clock, log, onFailure } = this.#options
    try {
      const reading = this.#storage.unliftedBansOf([address])
      const bans = await withDeadline(reading, { clock, ms: VERSION_TIMEOUT_MS, what: 'reading the bans of a player' })
      this.#reread.set(address, bans)
      this.#bans?.replace(address, bans)
      this.#options.onChange?.()
    } catch (error) {
      onFailure()
      log.warn({ peer: address, error: messageOf(error) }, 'the bans of a player cannot be read now')
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
      const looking = this.#storage.bansSince(this.#bans && this.#version)
      const { version, wallets } = await withDeadline(looking, { clock, ms: VERSION_TIMEOUT_MS, what: 'reading the bans' })
      // A ban that is written between the two reads is read now, and once more because of the version after it.
      if (!this.#bans || !wallets) await this.#readAll()
      else await this.#readOf(this.#bans, [...new Set([...wallets, ...reread.keys()])])
      const isChanged = version !== this.#version || reread.size > 0
      this.#version = version
      if (isChanged) this.#options.onChange?.()
      this.#readAtMs = clock.monotonic()
      if (this.#isFailing) log.info({ bans: this.size }, 'the bans can be read again')
      this.#isFailing = false
    } catch (error) {
      onFailure()
      this.#reread = new Map([...reread, ...this.#reread])
      if (!this.#isFailing) log.warn({ error: messageOf(error) }, 'the bans cannot be read, and those read before stay in force')
      this.#isFailing = true
    }
  }

  async #readAll(): Promise<void> {
    const { clock } = this.#options
    const bans = await withDeadline(this.#storage.unliftedBans(), { clock, ms: READ_TIMEOUT_MS, what: 'reading the bans' })
    this.#bans = new ActiveBans(bans)
    for (const [address, later] of this.#reread) this.#bans.replace(address, later)
  }

  async #readOf(known: ActiveBans, wallets: readonly PeerId[]): Promise<void> {
    const { clock } = this.#options
    if (wallets.length === 0) return
    const reading = this.#storage.unliftedBansOf(wallets)
    const bans = await withDeadline(reading, { clock, ms: VERSION_TIMEOUT_MS, what: 'reading the bans that changed' })
    const byWallet = Map.groupBy(bans, ({ bannedAddress }) => bannedAddress)
    for (const wallet of wallets) if (!this.#reread.has(wallet)) known.replace(wallet, byWallet.get(wallet) ?? [])
  }
}
