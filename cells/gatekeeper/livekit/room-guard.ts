import type { Clock } from '../../chassis/clock.ts'
import { messageOf } from '../../chassis/errors.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { LivekitRoom, LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { RoomUse } from '../core/room-names.ts'
import type { GatekeeperMetrics } from '../metrics.ts'

/** A participant of a room of this gatekeeper. */
export interface RoomVisit {
  room: string
  use: RoomUse
  identity: string
  /** The player, or the one who watches from elsewhere; undefined where `keyId` is set. */
  wallet: PeerId | undefined
  /** Beginning of the id of the key with which a person streams. */
  keyId?: string | undefined
}

export interface RoomGuardOptions {
  rooms: LivekitRooms
  /** Undefined for a room of others. */
  useOf: (room: string) => RoomUse | undefined
  /** Undefined for a participant of whom nothing is known, such as an anonymous watcher. */
  participantOf: (identity: string) => Pick<RoomVisit, 'wallet' | 'keyId'> | undefined
  /** Whether a participant has to leave: banned, or on the deny list. */
  isExpelled: (visit: RoomVisit) => Promise<boolean>
  /** Called with the rooms of this gatekeeper at each look at them. */
  onRooms?: (rooms: readonly LivekitRoom[]) => void
  /** Waited for before a participant is removed; never rejects. */
  beforeRemoval?: (visit: RoomVisit) => Promise<void>
  clock: Clock
  log: Log
  metrics: Pick<GatekeeperMetrics, 'expelled' | 'roomSweepsFailed'>
}

interface IslandVisit {
  room: string
  identity: string
  /** In seconds since the epoch. */
  joinedAt: bigint
}

/** A removal that LiveKit did not answer is repeated after these times. */
const REPEAT_REMOVAL_MS = [200, 1_000, 5_000]
/** Milliseconds in which an explorer that was given another island leaves the one before by itself. */
const ISLAND_GRACE_MS = 10_000
const MAX_REMEMBERED = 100_000

/** Between two looks at all rooms, for webhooks that were lost: often after a removal, because an old token may come back. */
const SWEEP_MS = { alert: 10_000, calm: 300_000 }
/** Longer than LiveKit lets a token live, those included that it renews itself. */
const ALERT_MS = 15 * 60_000

/**
 * Keeps players out of the rooms who have to be out. A LiveKit server revokes no token: a player who was removed may come back
 * with an old one, so every participant who joins is checked, and all rooms are looked at again and again for a while. A player
 * who was given another island and lingers in the one before is removed from that one.
 */
export class RoomGuard implements Running {
  readonly #options: RoomGuardOptions
  readonly #islands = growingCache<PeerId, { room: string; joinedAtMs: number }>(MAX_REMEMBERED)
  /** Since when participants were seen in an island although they are in a later one, by room and identity. */
  #lingering = new Map<string, number>()
  readonly #sweeping: Running
  readonly #timers = new Set<() => void>()
  /** A gatekeeper that starts does not know what happened before. */
  #alertUntilMs: number
  #current: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(options: RoomGuardOptions) {
    const { clock, log } = options
    this.#options = options
    this.#alertUntilMs = clock.monotonic() + ALERT_MS
    const delayMs = () => (clock.monotonic() < this.#alertUntilMs ? SWEEP_MS.alert : SWEEP_MS.calm)
    this.#sweeping = repeat({ clock, log, delayMs, task: () => this.sweep() })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#timers) cancel()
    await this.#sweeping.stop()
    await this.#current
  }

  /** A participant joined a room, at a time of LiveKit. */
  async joined(room: string, identity: string, joinedAtMs: number): Promise<void> {
    const visit = this.#visitOf(room, identity)
    if (!visit) return
    if (await this.#options.isExpelled(visit)) await this.#expel(visit)
    else if (visit.use.kind === 'island' && visit.wallet) this.#inIsland({ ...visit, wallet: visit.wallet }, joinedAtMs)
  }

  /** Looks at all rooms now, because a decision changed; resolves when those who have to leave are out. Never rejects. */
  sweep(): Promise<void> {
    if (this.#current) {
      this.#again = true
      return this.#current
    }
    this.#current = this.#sweepAll().finally(() => {
      this.#current = undefined
    })
    return this.#current
  }

  /** The rooms that a player is in now. @throws Refusal UNAVAILABLE while LiveKit does not answer */
  async visitsOf(wallet: PeerId): Promise<{ room: string; kind: RoomUse['kind']; identity: string; joinedAtMs: number }[]> {
    const visits = await Promise.all(
      (await this.#ownRooms()).map(async ({ name: room }) =>
        (await this.#options.rooms.participants(room)).flatMap(({ identity, joinedAt }) => {
          const visit = this.#visitOf(room, identity)
          if (visit?.wallet !== wallet) return []
          return [{ room, kind: visit.use.kind, identity, joinedAtMs: Number(joinedAt) * 1_000 }]
        }),
      ),
    )
    return visits.flat()
  }

  /** Removes a player from every room now, and once; returns the rooms. @throws Refusal UNAVAILABLE while LiveKit does not answer */
  async kick(wallet: PeerId): Promise<string[]> {
    const { rooms, log } = this.#options
    const visits = await this.visitsOf(wallet)
    const removed = await Promise.all(visits.map(({ room, identity }) => rooms.remove(room, identity)))
    const left = visits.flatMap(({ room }, n) => (removed[n] ? [room] : []))
    log.info({ peer: wallet, rooms: left }, 'a player was kicked from the rooms')
    return left
  }

  async #ownRooms(): Promise<LivekitRoom[]> {
    const { rooms, useOf } = this.#options
    return (await rooms.rooms()).filter(({ name }) => useOf(name) !== undefined)
  }

  async #sweepAll(): Promise<void> {
    do {
      this.#again = false
      try {
        await this.#sweepOnce()
      } catch (error) {
        this.#options.metrics.roomSweepsFailed.inc()
        // What happens in the rooms meanwhile is not seen here.
        this.#alertUntilMs = this.#options.clock.monotonic() + ALERT_MS
        this.#options.log.warn({ error: messageOf(error) }, 'the participants of the rooms cannot be read now')
      }
    } while (this.#again && !this.#stopped)
  }

  async #sweepOnce(): Promise<void> {
    const { rooms } = this.#options
    const inIslands = new Map<PeerId, IslandVisit[]>()
    const inspect = async (room: string) => {
      for (const { identity, joinedAt } of await rooms.participants(room)) {
        const visit = this.#visitOf(room, identity)
        if (!visit) continue
        if (await this.#options.isExpelled(visit)) await this.#expel(visit)
        else if (visit.use.kind === 'island' && visit.wallet)
          inIslands.set(visit.wallet, [...(inIslands.get(visit.wallet) ?? []), { room, identity, joinedAt }])
      }
    }
    const own = await this.#ownRooms()
    this.#options.onRooms?.(own)
    await Promise.all(own.map(({ name }) => inspect(name)))
    await this.#endLingering(inIslands)
  }

  /** Removes players from the islands before the latest one, if they were in both for a while. */
  async #endLingering(inIslands: ReadonlyMap<PeerId, readonly IslandVisit[]>): Promise<void> {
    const { rooms, clock } = this.#options
    const seen = this.#lingering
    this.#lingering = new Map()
    for (const visits of inIslands.values()) {
      const older = [...visits].sort((a, b) => Number(a.joinedAt - b.joinedAt)).slice(0, -1)
      for (const { room, identity } of older) {
        const key = `${room} ${identity}`
        const sinceMs = seen.get(key) ?? clock.monotonic()
        if (clock.monotonic() - sinceMs < ISLAND_GRACE_MS) this.#lingering.set(key, sinceMs)
        else await rooms.remove(room, identity)
      }
    }
  }

  #visitOf(room: string, identity: string): RoomVisit | undefined {
    const [use, participant] = [this.#options.useOf(room), this.#options.participantOf(identity)]
    return use && participant && { room, use, identity, ...participant }
  }

  async #expel(visit: RoomVisit, attempt = 0): Promise<void> {
    const { rooms, clock, log, metrics, beforeRemoval } = this.#options
    const { room, identity } = visit
    await beforeRemoval?.(visit)
    this.#alertUntilMs = clock.monotonic() + ALERT_MS
    try {
      if (!(await rooms.remove(room, identity))) return
      metrics.expelled.inc({ room: visit.use.kind })
      log.info({ room, peer: visit.wallet }, 'a player who may not be in a room was removed from it')
    } catch (error) {
      const delayMs = REPEAT_REMOVAL_MS[attempt]
      log.warn({ room, peer: visit.wallet, error: messageOf(error) }, 'a player who may not be in a room could not be removed')
      if (delayMs !== undefined) this.#after(delayMs, () => this.#expel(visit, attempt + 1))
    }
  }

  #inIsland({ room, identity, wallet }: RoomVisit & { wallet: PeerId }, joinedAtMs: number): void {
    const before = this.#islands.get(wallet)
    // Webhooks arrive in any order.
    const isLate = before !== undefined && before.joinedAtMs > joinedAtMs
    if (!isLate) this.#islands.set(wallet, { room, joinedAtMs })
    if (before && before.room !== room) this.#leaveLater({ room: isLate ? room : before.room, identity, wallet })
  }

  /** Removes a player from an island, unless the player is meant to be there again by then. */
  #leaveLater({ room, identity, wallet }: Pick<RoomVisit, 'room' | 'identity'> & { wallet: PeerId }): void {
    const { rooms, log } = this.#options
    this.#after(ISLAND_GRACE_MS, async () => {
      if (this.#islands.get(wallet)?.room === room) return
      const removed = await rooms.remove(room, identity).catch(() => false)
      if (removed) log.info({ room, peer: wallet }, 'a player who was given another island was removed from the one before')
    })
  }

  #after(delayMs: number, work: () => Promise<void>): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel)
      void work()
    })
    this.#timers.add(cancel)
  }
}
