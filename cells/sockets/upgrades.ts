import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { ClientAddress, TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { UpgradeHandler } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { refuseUpgrade } from '../chassis/refuse-upgrade.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { ConnectionLimits } from './core/connection-limits.ts'
import { type UnauthenticatedConnection, UnauthenticatedConnections } from './core/unauthenticated.ts'
import { SlicedWork } from './sliced-work.ts'
import { UpgradeQueue } from './upgrade-queue.ts'

export interface UpgradeLimits {
  maxConnections: number
  maxConnectionsPerAddress: number
  /** Connections of clients that have not signed in yet. */
  maxUnauthenticated: number
  /** Upgrades admitted per second at most. */
  upgradesPerSecond: number
}

/** Why an upgrade is refused; `rate`: it waited too long in the queue. */
export type UpgradeRefusal = 'total' | 'address' | 'stopping' | 'rate'

export interface UpgradesDeps<Socket> {
  limits: UpgradeLimits
  proxies: TrustedProxies
  clock: Clock
  log: Log
  bugs: BugReporter
  refused: Readonly<Record<UpgradeRefusal, { inc(): void }>>
  /** Checks the signatures of the clients. */
  verifier: Pick<ChainVerifier, 'pending'>
  server: { handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer, callback: (socket: Socket) => void): void }
  /** A request became a WebSocket. */
  onOpen(opened: OpenedSocket<Socket>): UnauthenticatedConnection
}

/** A request that became a WebSocket. */
export interface OpenedSocket<Socket> {
  socket: Socket
  stream: Duplex
  /** The client, as limits count it. */
  client: ClientAddress
  params: Parameters<UpgradeHandler>[3]
}

/** How long an upgrade waits for its turn: some explorers that are refused never try again. */
const MAX_WAIT_MS = 30_000
const RETRY_AFTER_SECONDS = 5
/** Upgrades that wait for the next turns of the event loop, at most: a flood of requests must not fill the memory. */
const MAX_ARRIVED = 2_000
const WARN_EVERY_MS = 60_000

/** Turns requests into WebSockets: within the limits, and only as many per second as leave the connected players undisturbed. */
export class Upgrades<Socket> {
  readonly #deps: UpgradesDeps<Socket>
  readonly #limits: ConnectionLimits
  readonly #unauthenticated = new UnauthenticatedConnections()
  readonly #queue: UpgradeQueue
  /** What came in a turn of the event loop that had many of them. */
  readonly #arrived: SlicedWork
  #warnedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(deps: UpgradesDeps<Socket>) {
    const { maxConnections, maxConnectionsPerAddress, upgradesPerSecond: perSecond } = deps.limits
    this.#deps = deps
    this.#arrived = new SlicedWork(deps.clock, MAX_ARRIVED)
    this.#limits = new ConnectionLimits(maxConnections, maxConnectionsPerAddress)
    const checksWaiting = () => deps.verifier.pending
    this.#queue = new UpgradeQueue({ perSecond, maxWaitMs: MAX_WAIT_MS, checksWaiting, clock: deps.clock })
  }

  /** Upgrades in the queue. */
  get waiting(): number {
    return this.#arrived.waiting + this.#queue.waiting
  }

  readonly upgrade: UpgradeHandler = (request, stream, head, params) => {
    this.#arrived.do(() => {
      try {
        // A client that hung up meanwhile has ended what would end the count of its connection.
        if (!stream.destroyed) this.#lookAt(request, stream, head, params)
      } catch (error) {
        this.#deps.bugs.report('upgrade', error, { path: request.url })
        stream.destroy()
      }
    })
  }

  readonly #lookAt: UpgradeHandler = (request, stream, head, params) => {
    const client = this.#deps.proxies.clientOf(request)
    const limit = this.#limitReached(client)
    if (limit) return this.#refuse(stream, limit, client)
    this.#limits.opened(client)
    this.#whenClosed(stream, client)
    this.#enter(request, stream, head, { client, params })
  }

  /** Not a part of `upgrade`: what lives as long as the connection would keep the request in memory for as long. */
  #whenClosed(stream: Duplex, client: ClientAddress): void {
    stream.once('close', () => this.#limits.closed(client))
  }

  #enter(request: IncomingMessage, stream: Duplex, head: Buffer, opened: Pick<OpenedSocket<Socket>, 'client' | 'params'>): void {
    // A client sends nothing before its upgrade is answered; that it hangs up while it waits is noticed only by reading.
    const hangUp = () => stream.destroy()
    const leave = () => this.#queue.leave(upgrade)
    const upgrade = {
      admit: () => {
        stream.off('end', hangUp).off('data', hangUp).off('close', leave)
        this.#open(request, stream, head, opened)
      },
      refuse: () => this.#refuse(stream, this.#closed ? 'stopping' : 'rate', opened.client),
    }
    if (this.#queue.enter(upgrade)) stream.once('end', hangUp).once('data', hangUp).once('close', leave)
  }

  /** The client of a connection signed in. */
  authenticated(connection: UnauthenticatedConnection): void {
    this.#unauthenticated.delete(connection)
  }

  /** Refuses further upgrades, and those in the queue. */
  close(): void {
    this.#closed = true
    this.#queue.close()
  }

  #limitReached(client: ClientAddress): UpgradeRefusal | undefined {
    if (this.#closed) return 'stopping'
    const limit = this.#limits.limitReached(client)
    if (limit === 'address') return limit
    if (!limit && this.#unauthenticated.size < this.#deps.limits.maxUnauthenticated) return undefined
    const displaced = this.#unauthenticated.toDisplace(client.network, this.#deps.clock.monotonic())
    if (!displaced) return 'total'
    this.#unauthenticated.delete(displaced)
    displaced.displace()
    return undefined
  }

  #open(
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    { client, params }: Pick<OpenedSocket<Socket>, 'client' | 'params'>,
  ): void {
    const { server, onOpen, bugs } = this.#deps
    try {
      server.handleUpgrade(request, stream, head, (socket) => {
        const connection = onOpen({ socket, stream, client, params })
        this.#unauthenticated.add(connection, client.network)
        this.#opened(stream, connection)
      })
    } catch (error) {
      bugs.report('upgrade', error, { path: request.url })
      stream.destroy()
    }
  }

  /** As `#whenClosed`. */
  #opened(stream: Duplex, connection: UnauthenticatedConnection): void {
    stream.once('close', () => this.#unauthenticated.delete(connection))
  }

  #refuse(stream: Duplex, refusal: UpgradeRefusal, { network }: ClientAddress): void {
    this.#deps.refused[refusal].inc()
    refuseUpgrade(stream, 503, RETRY_AFTER_SECONDS)
    const now = this.#deps.clock.monotonic()
    if (refusal !== 'address' || now - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = now
    this.#deps.log.warn(
      { address: network, limit: this.#deps.limits.maxConnectionsPerAddress },
      'clients were refused by MAX_CONNECTIONS_PER_ADDRESS; where this address is a proxy, name it in TRUSTED_PROXIES (spec.exposure.trustedProxies of its Realm)',
    )
  }
}
