import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { Transport } from '../rtc/transport.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import { Announcer } from './announcer.ts'
import type { Announcements } from './core/announcements.ts'
import type { RestorableIslands } from './core/islands.ts'
import type { PresenceTable } from './core/presence.ts'
import type { ArchipelagoMetrics } from './metrics.ts'
import { Reporter } from './reporter.ts'

/** What a tenure works with. */
export interface LeadershipTermDeps {
  islands: RestorableIslands
  register: PresenceTable
  ledger: Announcements
  transport: Transport
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  maxPeersPerIsland: number
  maxPeersListed: number
  /** Says something in this term; answers whether we may still speak. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
  mayPublish(): boolean
  /** Resolves once everything said so far has reached the broker. */
  delivered(): Promise<void>
}

/**
 * The time in which an archipelago is the active one. It begins with an empty engine and puts everybody back where they were last told to be,
 * whoever told them: taking over from another, or from an earlier self, moves nobody.
 */
export class LeadershipTerm {
  readonly #deps: LeadershipTermDeps
  readonly #announcer: Announcer
  readonly #reporter: Reporter

  constructor(deps: LeadershipTermDeps) {
    const { register } = deps
    this.#deps = deps
    this.#announcer = new Announcer({ ...deps, isConnected: (peer) => register.isConnected(peer) })
    this.#reporter = new Reporter(deps)
    this.#adoptEverybody()
  }

  get islands(): RestorableIslands {
    return this.#deps.islands
  }

  /** A peer turned out to be at home in a room: it stays there, unless it was placed elsewhere already. */
  restore(peer: PeerId): void {
    const { islands, ledger } = this.#deps
    const room = islands.roomOf(peer)
    if (room === undefined) this.#adopt(peer)
    else ledger.recordMoves([{ peer, room, cause: 'recovery' }])
  }

  /** A peer spoke: the engine takes note at once, so that a flush need not, and acts at the next flush. */
  updatePeer(peer: PeerId): void {
    const presence = this.#deps.register.get(peer)
    if (presence?.position) this.#deps.islands.upsert(peer, presence.position, presence.desiredRoom)
  }

  /** A peer left: at once, not with the next flush (clustering.md §5.14). */
  remove(peer: PeerId): void {
    this.#deps.islands.remove(peer)
    this.#reporter.markChanged()
  }

  /** Lets the engine decide, and tells whoever has to be told. */
  flush(): void {
    const { islands, register, ledger, metrics, mayPublish } = this.#deps
    this.#reporter.finish()
    const stirred = register.nextRound()
    metrics.dirtyPeers.observe(stirred)
    const { changes } = islands.flush()
    ledger.recordMoves(changes)
    if (stirred > 0 || changes.length > 0) this.#reporter.markChanged()
    if (!mayPublish()) return
    this.#reporter.report()
    this.#announcer.announce()
  }

  /** Leaves off, whatever was begun. */
  end(): void {
    this.#reporter.stop()
  }

  /** Tells whoever is due, without waiting for the next flush. */
  announce(): void {
    this.#announcer.announce()
  }

  #adoptEverybody(): void {
    const { register } = this.#deps
    for (const [peer] of register) {
      this.#adopt(peer)
      this.updatePeer(peer)
    }
  }

  #adopt(peer: PeerId): void {
    const home = this.#deps.ledger.lastRoomOf(peer)
    if (home !== undefined) this.#deps.islands.restore(peer, home)
  }
}
