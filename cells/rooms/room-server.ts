import { type WebSocket, WebSocketServer } from 'ws'
import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Bans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { drain, untilEmpty } from '../sockets/drain.ts'
import { socketOptions } from '../sockets/socket-options.ts'
import { type OpenedSocket, Upgrades } from '../sockets/upgrades.ts'
import { WriteCoalescer } from '../sockets/write-coalescer.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Admissions } from './core/admissions.ts'
import type { Hub, Member } from './core/hub.ts'
import type { RoomLimits } from './limits.ts'
import type { RoomMetrics } from './metrics.ts'
import { RoomConnection, type RoomContext } from './room-connection.ts'

export interface RoomServerDeps {
  hub: Hub
  admissions: Admissions
  proxies: TrustedProxies
  verifier: ChainVerifier
  denyList: DenyList
  bans: Bans
  clock: Clock
  log: Log
  bugs: BugReporter
  limits: RoomLimits
  metrics: RoomMetrics
}

const LIVENESS_CHECK_MS = 15_000
const SUBPROTOCOL = 'rfc5'
/** Milliseconds the last clients have to answer close frames. */
const CLOSE_WAIT_MS = 3_000

/** The sockets of all rooms: accepts them within the limits, pings silent ones, ends them. */
export class RoomServer {
  readonly #deps: RoomServerDeps
  readonly #context: RoomContext
  readonly #connections = new Set<RoomConnection>()
  /** Connections whose clients have not joined their room yet. */
  readonly #unauthenticated = new Set<RoomConnection>()
  readonly #byMember = new Map<Member, RoomConnection>()
  readonly #upgrades: Upgrades<WebSocket>
  #cancelLivenessCheck = () => {}
  #stopping = false

  constructor(deps: RoomServerDeps) {
    this.#deps = deps
    this.#context = {
      ...deps,
      writes: new WriteCoalescer(),
      connectionOf: (member) => this.#byMember.get(member),
      onJoined: (member, connection) => {
        this.#unauthenticated.delete(connection)
        this.#upgrades.authenticated(connection)
        this.#byMember.set(member, connection)
      },
      onLeft: (member) => this.#byMember.delete(member),
    }
    this.#upgrades = new Upgrades({
      ...deps,
      refused: deps.metrics.refused,
      server: new WebSocketServer({
        ...socketOptions,
        maxPayload: deps.limits.maxMessageBytes,
        handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
      }),
      onOpen: (opened) => this.#open(opened),
    })
    this.#checkLiveness()
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get memberCount(): number {
    return this.#byMember.size
  }

  get isStopping(): boolean {
    return this.#stopping
  }

  /** Turns a request into a WebSocket, within the limits. */
  get upgrade(): UpgradeHandler {
    return this.#upgrades.upgrade
  }

  /** An admission arrived: the client it is for may be waiting. */
  admissionsChanged(): void {
    for (const connection of [...this.#unauthenticated]) connection.admissionsChanged()
  }

  /** Ends the session of a peer whose admission to a room was replaced, unless it was admitted again since. */
  endUnlessAdmitted(peer: PeerId, room: string): void {
    const member = this.#deps.hub.find(room, peer)
    if (member && !this.#deps.admissions.allows(peer, room)) this.#byMember.get(member)?.end('moved')
  }

  /** Ends the session of a peer in a room, and takes its admission back; false when it is not there. */
  remove(peer: PeerId, room: string): boolean {
    const { hub, admissions } = this.#deps
    admissions.revoke(peer, room)
    const member = hub.find(room, peer)
    if (member) this.#byMember.get(member)?.end('not_admitted')
    return member !== undefined
  }

  /** The wallets that are in a room or wait for their admission to one. */
  *peers(): Iterable<PeerId> {
    for (const { peer } of this.#connections) if (peer) yield peer
  }

  /** Ends all that wallets have open which came on the deny list. */
  endDenied(): void {
    for (const connection of [...this.#connections])
      if (connection.peer && this.#deps.denyList.has(connection.peer)) connection.end('denied')
  }

  /** Ends all that a banned peer has open, in any room; false when there is nothing. */
  endBanned(peer: PeerId): boolean {
    const banned = [...this.#connections].filter((connection) => connection.peer === peer)
    for (const connection of banned) connection.end('banned')
    return banned.length > 0
  }

  /** Ends what a kicked peer had opened before that moment of the clock; false when there is nothing. */
  endKicked(peer: PeerId, beforeMs: number): boolean {
    const older = [...this.#connections].filter((connection) => connection.peer === peer && connection.openedAt < beforeMs)
    for (const connection of older) connection.end('kicked')
    return older.length > 0
  }

  /**
   * Refuses further upgrades and ends all sessions: those of members evenly over `durationMs`, so that they do not reconnect in
   * the same moment, others at once. Resolves when the sockets are closed, or had their time to close.
   */
  async stop(durationMs: number): Promise<void> {
    this.#stopping = true
    this.#upgrades.close()
    const { clock } = this.#deps
    for (const connection of [...this.#unauthenticated]) connection.end('stopping')
    await drain({
      remaining: () => [...this.#connections].filter(({ isMember }) => isMember),
      end: (connection) => connection.end('stopping'),
      firstAtOnce: true,
      ...{ durationMs, clock },
    })
    await untilEmpty(this.#connections, CLOSE_WAIT_MS, clock)
    this.#cancelLivenessCheck()
  }

  #open(opened: OpenedSocket<WebSocket>): RoomConnection {
    const connection = new RoomConnection(opened, opened.params.room ?? '', this.#context)
    this.#connections.add(connection)
    this.#unauthenticated.add(connection)
    opened.socket.on('close', () => {
      this.#connections.delete(connection)
      this.#unauthenticated.delete(connection)
    })
    return connection
  }

  #checkLiveness(): void {
    for (const connection of this.#connections) connection.checkLiveness()
    this.#cancelLivenessCheck = this.#deps.clock.after(LIVENESS_CHECK_MS, () => this.#checkLiveness())
  }
}
