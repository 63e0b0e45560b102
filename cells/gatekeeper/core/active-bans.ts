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
  /** Number of bans, some of which may have expired. */
  readonly size: number

  /** Bans that are not lifted, in any order. */
  constructor(bans: readonly PlatformBan[]) {
    this.size = bans.length
    for (const ban of bans) {
      add(this.#byAddress, ban.bannedAddress, ban)
      if (ban.bannedDeviceId !== null) add(this.#byDevice, ban.bannedDeviceId, ban)
    }
  }

  /** The ban in force against the wallet or the device, the latest if there are several. */
  against({ address, deviceId }: BanSubject, nowMs: number): PlatformBan | undefined {
    const ofDevice = deviceId === undefined ? [] : (this.#byDevice.get(keyOf(deviceId)) ?? [])
    return [...(this.#byAddress.get(keyOf(address)) ?? []), ...ofDevice]
      .filter(({ expiresAt }) => expiresAt === null || expiresAt > nowMs)
      .sort((a, b) => b.bannedAt - a.bannedAt || (a.id < b.id ? -1 : 1))[0]
  }
}

const keyOf = (name: string): string => name.trim().toLowerCase()

/** Ignores an empty name, which would ban every player without one. */
function add(bans: Map<string, PlatformBan[]>, name: string, ban: PlatformBan): void {
  const key = keyOf(name)
  if (key === '') return
  const known = bans.get(key)
  if (known) known.push(ban)
  else bans.set(key, [ban])
}
