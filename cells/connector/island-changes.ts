import type { Clock } from '../chassis/clock.ts'
import { fencingTokenOf, splitFencingToken, textFieldOf } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { decodeIslandGroup } from '../wire/island-group.ts'
import { ISLAND_ID_FIELD, wrapIslandChanged } from '../wire/packets.ts'
import { peerOf } from '../wire/subjects.ts'
import type { ClientConnection, PlayerSession } from './client-connection.ts'
import type { JoinTracker } from './core/join-tracker.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface IslandChangesDeps {
  clock: Clock
  metrics: ConnectorMetrics
  sessions: SessionRegistry<ClientConnection>
  joins: JoinTracker<PlayerSession>
  /** An island change arrived for this connection, ready to be sent. */
  onIsland(connection: ClientConnection, packet: Uint8Array): void
  /** An exception that belongs to this session, thrown outside the events of its connection. */
  onFailed(session: PlayerSession, error: unknown): void
}

type Deps = IslandChangesDeps & {
  /** Whether a message of a term is to be processed. */
  acceptsTerm(term: FencingToken | undefined): boolean
}

/** An announcement of a room, and the packet that says so to the player. */
interface Announcement {
  room: string | undefined
  term: FencingToken | undefined
  packet: Uint8Array
}

/** Gives players of this connector the island changes that archipelagos announce. */
export class IslandChanges {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Of one player, who may be at another connector. */
  received(payload: Uint8Array, subject: string): void {
    const peer = peerOf(subject)
    const connection = peer && this.#deps.sessions.get(peer)
    if (!connection?.session) return
    const { body, token: term } = splitFencingToken(payload)
    if (!this.#deps.acceptsTerm(term)) {
      // Of an archipelago that does not know yet that another one took over.
      this.#deps.metrics.island.stale.inc()
      return
    }
    const room = textFieldOf(body, ISLAND_ID_FIELD)
    this.#give(connection, connection.session, { room, term, packet: wrapIslandChanged(body) })
  }

  /** Of players of this connector, whose packets differ in what is before and after the list of peers. */
  receivedGroup(payload: Uint8Array): void {
    const { metrics, sessions, onFailed, acceptsTerm } = this.#deps
    const group = decodeIslandGroup(payload)
    if (!group) {
      metrics.island.malformed.inc()
      return
    }
    const [{ room, list, members }, term] = [group, fencingTokenOf(payload)]
    if (!acceptsTerm(term)) {
      metrics.island.stale.inc(members.length)
      return
    }
    for (const { peer, before, after } of members) {
      const connection = sessions.get(peer)
      if (!connection?.session) continue
      const { session } = connection
      try {
        this.#give(connection, session, { room, term, packet: wrapIslandChanged(before, list, ...(after ? [after] : [])) })
      } catch (error) {
        onFailed(session, error)
      }
    }
  }

  /** Sends a player to an island. */
  #give(connection: ClientConnection, session: PlayerSession, { room, term, packet }: Announcement): void {
    const { joins, clock, metrics, onIsland } = this.#deps
    if (room !== undefined) session.announced = { room, term }
    const waitedMs = joins.given(session, clock.monotonic())
    metrics.joined(waitedMs)
    if (waitedMs !== undefined) session.span.followUp('first island', waitedMs, { outcome: 'given' })
    onIsland(connection, packet)
  }
}
