import type { Clock } from '../chassis/clock.ts'
import { DeadlineExceeded, withDeadline } from '../chassis/deadline.ts'
import type { Log } from '../chassis/log.ts'
import type { Transport } from '../rtc/transport.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { encodePeerList } from '../wire/peer-list.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Announcements } from './core/announcements.ts'
import type { Islands } from './core/islands.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** What an announcer works with. */
export interface AnnouncerDeps {
  islands: Islands
  ledger: Announcements
  transport: Transport
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  /** Whether there is somebody to be told. */
  isConnected(peer: PeerId): boolean
  /** Says something in our term, put together from pieces; answers whether we may still speak. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
  /** Resolves once everything said so far has reached the broker. */
  delivered(): Promise<void>
  /** Whether we may. */
  mayPublish(): boolean
  /** Peers listed in a message at most. */
  maxPeersListed: number
}

/** Tokens minted at the same time. */
const MAX_TOKENS_IN_FLIGHT = 64
/** Milliseconds of telling before others have their turn and the broker has to have taken what was said: a whole city may be due at once. */
const SLICE_MS = 8
/** Milliseconds a transport has to open a room to a peer. */
const TOKEN_DEADLINE_MS = 5_000

/**
 * Tells peers their rooms, beside the clustering and never in its way: a token that takes long or fails holds up its own peer only,
 * who stays due and is tried again after the next flush.
 */
export class Announcer {
  readonly #deps: AnnouncerDeps
  readonly #inFlight = new Set<PeerId>()
  #waiting: IterableIterator<PeerId> = [][Symbol.iterator]()
  /** Members of a room as bytes of a message; good until the next flush. */
  readonly #rosters = new Map<string, { bytes: Uint8Array; isComplete: boolean }>()
  #failed = 0
  #sliceEndsAt = 0
  #isPausing = false

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps
  }

  /** Starts telling whoever is due. */
  announce(): void {
    const { mayPublish, ledger, log } = this.#deps
    if (this.#failed > 0) log.warn({ failed: this.#failed }, 'rooms could not be opened to some peers')
    this.#failed = 0
    this.#rosters.clear()
    if (!mayPublish()) return
    this.#waiting = [...ledger.due.keys()][Symbol.iterator]()
    this.#goOn()
  }

  #goOn = (): void => {
    this.#isPausing = false
    this.#sliceEndsAt = this.#deps.clock.now() + SLICE_MS
    this.#fill()
  }

  #fill(): void {
    const { clock, delivered } = this.#deps
    while (this.#inFlight.size < MAX_TOKENS_IN_FLIGHT && !this.#isPausing) {
      if (clock.now() >= this.#sliceEndsAt) {
        this.#isPausing = true
        // Nothing is delivered to a broker that is away; then there is nothing to wait for either.
        delivered().then(this.#goOn, this.#goOn)
        return
      }
      const { value: peer, done } = this.#waiting.next()
      if (done) return
      // Whoever is expected back hears of its room when it is.
      if (!this.#inFlight.has(peer) && this.#deps.isConnected(peer)) void this.#attempt(peer)
    }
  }

  async #attempt(peer: PeerId): Promise<void> {
    this.#inFlight.add(peer)
    try {
      await this.#tell(peer)
    } catch (error) {
      const { log, metrics } = this.#deps
      this.#failed++
      metrics.tokenFailed[error instanceof DeadlineExceeded ? 'deadline' : 'error'].inc()
      log.debug({ err: error, peer }, 'a room could not be opened to a peer')
    } finally {
      this.#inFlight.delete(peer)
      this.#fill()
    }
  }

  async #tell(peer: PeerId): Promise<void> {
    const { islands, ledger, transport, subjects, clock, metrics, publish, mayPublish, isConnected } = this.#deps
    for (let room = islands.roomOf(peer); room !== undefined && ledger.due.has(peer); ) {
      const opened = transport.connectionString(peer, room, 'island')
      const connStr =
        typeof opened === 'string' ? opened : await withDeadline(opened, { clock, ms: TOKEN_DEADLINE_MS, what: 'opening a room' })
      metrics.tokens.inc()
      // What we knew before the await is a rumour: the peer may have left, moved on, or another archipelago may have taken over.
      const cause = ledger.due.get(peer)
      const current = islands.roomOf(peer)
      if (cause === undefined || !mayPublish() || !isConnected(peer)) return
      if (current === room) {
        if (!publish(subjects.islandChanged(peer), ...this.#message(peer, room, connStr))) return
        ledger.told(peer, room)
        metrics.roomChanges.inc({ cause })
        return
      }
      room = current
    }
  }

  /** The message, out of what differs between receivers and the list of peers, which is encoded once for all of a room. */
  #message(receiver: PeerId, islandId: string, connStr: string): readonly Uint8Array[] {
    const { islands, ledger, maxPeersListed } = this.#deps
    const own = busPayloads.encodeIslandChanged({ islandId, connStr, fromIslandId: ledger.roomKnownTo(receiver), peers: {} })
    let roster = this.#rosters.get(islandId)
    if (!roster) {
      const members = islands.membersOf(islandId)
      roster = { bytes: encodePeerList(members.slice(0, maxPeersListed)), isComplete: members.length <= maxPeersListed }
      this.#rosters.set(islandId, roster)
    }
    if (roster.isComplete || maxPeersListed === 0) return [own, roster.bytes]
    // A receiver finds itself in the list, however short it is; twice is once in a protobuf map.
    const self = islands.membersOf(islandId).filter(({ peer }) => peer === receiver)
    return [own, roster.bytes, encodePeerList(self)]
  }
}
