import type { PeerId } from '../../wire/peer.ts'

/** The ban of a player from the whole platform by a moderator; times in milliseconds since the epoch. */
export interface PlatformBan {
  id: string
  bannedAddress: string
  bannedBy: string
  reason: string
  customMessage: string | null
  bannedDeviceId: string | null
  bannedAt: number
  expiresAt: number | null
  liftedAt: number | null
  liftedBy: string | null
  createdAt: number
}

/** The wallet, and the device if the explorer sent one. */
export interface BanSubject {
  address: PeerId
  deviceId?: string | undefined
}

/** Bans by wallet and by device. Moderators type them, so neither the case nor spaces around a name count. */
export class ActiveBans {
  readonly #byAddress = new Map<string, PlatformBan[]>()
  readonly #byDevice = new Map<string, PlatformBan[]>()
  #size = 0
  #latestFirst: readonly PlatformBan[] | undefined

  /** Bans that are not lifted, in any order. */
  constructor(bans: readonly PlatformBan[]) {
    for (const ban of bans) this.#add(ban)
  }

  /** Number of bans, some of which may have expired. */
  get size(): number {
    return this.#size
  }

  /** Whether any ban is against a device, too. */
  get hasDevices(): boolean {
    return this.#byDevice.size > 0
  }

  /** The ban in force against the wallet or the device, the latest if there are several. */
  against({ address, deviceId }: BanSubject, nowMs: number): PlatformBan | undefined {
    const ofDevice = deviceId === undefined ? [] : (this.#byDevice.get(keyOf(deviceId)) ?? [])
    return [...(this.#byAddress.get(keyOf(address)) ?? []), ...ofDevice].filter((ban) => isInForce(ban, nowMs)).sort(byTime)[0]
  }

  /** All bans in force, the latest first. */
  inForce(nowMs: number): PlatformBan[] {
    this.#latestFirst ??= [...this.#byAddress.values()].flat().sort(byTime)
    return this.#latestFirst.filter((ban) => isInForce(ban, nowMs))
  }

  /** Puts the bans of one wallet in the place of those it had. */
  replace(address: PeerId, bans: readonly PlatformBan[]): void {
    for (const { bannedDeviceId, id } of this.#byAddress.get(keyOf(address)) ?? []) {
      this.#size--
      if (bannedDeviceId === null) continue
      const key = keyOf(bannedDeviceId)
      const others = (this.#byDevice.get(key) ?? []).filter((ban) => ban.id !== id)
      if (others.length > 0) this.#byDevice.set(key, others)
      else this.#byDevice.delete(key)
    }
    this.#byAddress.delete(keyOf(address))
    for (const ban of bans) this.#add(ban)
    this.#latestFirst = undefined
  }

  #add(ban: PlatformBan): void {
    this.#size++
    add(this.#byAddress, ban.bannedAddress, ban)
    if (ban.bannedDeviceId !== null) add(this.#byDevice, ban.bannedDeviceId, ban)
  }
}

const isInForce = ({ expiresAt }: PlatformBan, nowMs: number): boolean => expiresAt === null || expiresAt > nowMs

const byTime = (a: PlatformBan, b: PlatformBan): number => b.bannedAt - a.bannedAt || (a.id < b.id ? -1 : 1)

const keyOf = (name: string): string => name.trim().toLowerCase()

/** Ignores an empty name, which would ban every player without one. */
function add(bans: Map<string, PlatformBan[]>, name: string, ban: PlatformBan): void {
  const key = keyOf(name)
  if (key === '') return
  const known = bans.get(key)
  if (known) known.push(ban)
  else bans.set(key, [ban])
}
