import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import type { PeerId } from '../../wire/peer.ts'
import { SESSION_LEASE_MS, type SessionReport } from '../../wire/session-report.ts'

/** Why a wallet is hidden in a realm: labels of a metric. */
export type HiddenReason = 'unknownRealm' | 'noSession' | 'banned'

export type HiddenReasonOf = (realm: string, wallet: PeerId) => HiddenReason | undefined

/** What bounds the memory of reports. */
export interface RealmSessionsLimits {
  /** Realms that have reported. */
  maxRealms: number
  /** Sessions, and bans, of all realms together. */
  maxSessions: number
  maxBans: number
}

export const defaultRealmSessionsLimits: RealmSessionsLimits = { maxRealms: 1_000, maxSessions: 250_000, maxBans: 100_000 }

/** After the end of its session a wallet stays for so long: its client connects anew, perhaps to another connector. */
export const SESSION_GRACE_MS = 15_000

interface Lease {
  connector: string
  untilMs: number
}

interface ReportedRealm {
  /** By wallet, the one reported longest ago first. */
  sessions: Map<PeerId, Lease>
  banned: Set<PeerId>
  reportedAtMs: number
}

/**
 * What connectors have reported, by realm in lower case. Nothing expires while a realm reports nothing: when its connectors, or the way
 * to them, are away, what they said last stands.
 */
export class RealmSessions {
  readonly #realms = new Map<string, ReportedRealm>()
  readonly #limits: RealmSessionsLimits
  #sessions = 0
  #bans = 0

  constructor(limits: RealmSessionsLimits = defaultRealmSessionsLimits) {
    this.#limits = limits
  }

  /** Realms that have reported, and what is known of them. */
  get counts(): { realms: number; sessions: number; bans: number } {
    return { realms: this.#realms.size, sessions: this.#sessions, bans: this.#bans }
  }

  /** Takes a report; false when there is no room for one more realm. */
  take(realm: string, { connector, joined, held, silent, left, banned }: SessionReport, nowMs: number): boolean {
    const known = this.#realms.get(realm) ?? { sessions: new Map(), banned: new Set(), reportedAtMs: nowMs }
    if (this.#realms.size >= this.#limits.maxRealms && !this.#realms.has(realm)) return false
    this.#realms.set(realm, known)
    known.reportedAtMs = nowMs
    for (const wallet of joined) this.#lift(known, wallet)
    for (const wallet of [...joined, ...held, ...silent])
      this.#lease(known, wallet, { connector, untilMs: nowMs + SESSION_LEASE_MS })
    for (const wallet of left) {
      const lease = known.sessions.get(wallet)
      // The wallet may have a session at another connector by now.
      if (lease?.connector === connector) lease.untilMs = Math.min(lease.untilMs, nowMs + SESSION_GRACE_MS)
    }
    for (const wallet of banned) this.#ban(known, wallet)
    this.#expire(known)
    return true
  }

  /** Writes all that is known, so that another process goes on with it. */
  freeze(writer: ByteWriter, nowMs: number): void {
    writer.u32(this.#realms.size)
    for (const [realm, { sessions, banned, reportedAtMs }] of this.#realms) {
      writer.text(realm)
      writer.f64(nowMs - reportedAtMs)
      writer.u32(sessions.size)
      for (const [wallet, { connector, untilMs }] of sessions) {
        writer.text(wallet)
        writer.text(connector)
        writer.f64(untilMs - nowMs)
      }
      writer.u32(banned.size)
      for (const wallet of banned) writer.text(wallet)
    }
  }

  /** Replaces all that is known. @throws RangeError when these are not the bytes that `freeze` has written */
  thaw(reader: ByteReader, nowMs: number): void {
    this.#realms.clear()
    this.#sessions = this.#bans = 0
    for (let realms = reader.u32(); realms > 0; realms--) {
      const realm = reader.text()
      const known: ReportedRealm = { sessions: new Map(), banned: new Set(), reportedAtMs: nowMs - reader.f64() }
      this.#realms.set(realm, known)
      for (let left = reader.u32(); left > 0; left--) {
        const [wallet, connector] = [reader.text() as PeerId, reader.text()]
        this.#lease(known, wallet, { connector, untilMs: nowMs + reader.f64() })
      }
      for (let left = reader.u32(); left > 0; left--) this.#ban(known, reader.text() as PeerId)
    }
  }

  isBanned(realm: string, wallet: PeerId): boolean {
    return this.#realms.get(realm)?.banned.has(wallet) ?? false
  }

  /** Why a wallet is not to be seen in a realm, where only wallets with a session are. */
  hiddenReason(realm: string, wallet: PeerId): HiddenReason | undefined {
    const known = this.#realms.get(realm)
    if (!known) return 'unknownRealm'
    if (known.banned.has(wallet)) return 'banned'
    const lease = known.sessions.get(wallet)
    return lease && lease.untilMs >= known.reportedAtMs ? undefined : 'noSession'
  }

  hasSession(realm: string, wallet: PeerId): boolean {
    return this.#realms.get(realm)?.sessions.has(wallet) ?? false
  }

  #lease({ sessions }: ReportedRealm, wallet: PeerId, lease: Lease): void {
    if (sessions.delete(wallet)) this.#sessions--
    else if (this.#sessions >= this.#limits.maxSessions) this.#makeRoom('sessions')
    sessions.set(wallet, lease)
    this.#sessions++
  }

  #ban({ banned }: ReportedRealm, wallet: PeerId): void {
    if (banned.delete(wallet)) this.#bans--
    else if (this.#bans >= this.#limits.maxBans) this.#makeRoom('banned')
    banned.add(wallet)
    this.#bans++
  }

  #lift({ banned }: ReportedRealm, wallet: PeerId): void {
    if (banned.delete(wallet)) this.#bans--
  }

  /** The realm with the most of them loses the oldest: no tenant takes the room of another one. */
  #makeRoom(of: 'sessions' | 'banned'): void {
    let largest: Map<PeerId, unknown> | Set<PeerId> | undefined
    for (const realm of this.#realms.values()) if (!largest || realm[of].size > largest.size) largest = realm[of]
    const [oldest] = largest?.keys() ?? []
    if (oldest === undefined || !largest?.delete(oldest)) return
    if (of === 'sessions') this.#sessions--
    else this.#bans--
  }

  /** In order of their reports, so that it ends at the first that stays; one with a shorter rest of time waits for those before it. */
  #expire({ sessions, reportedAtMs }: ReportedRealm): void {
    for (const [wallet, { untilMs }] of sessions) {
      if (untilMs >= reportedAtMs) return
      sessions.delete(wallet)
      this.#sessions--
    }
  }
}
