import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { connect, DebugEvents, ErrorCode, Events, type NatsConnection, type Subscription } from 'nats'
import { messageOf, UserError } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import type { Bus, BusState } from './bus.ts'
import type { BusMetrics } from './metrics.ts'
import { authenticatorOf, type NatsLogin } from './nats-login.ts'
import { OutgoingLimit } from './outgoing-limit.ts'

export interface NatsOptions extends NatsLogin {
  /** `nats://host:4222`, one or several of one cluster. */
  servers: readonly string[]
  /** Shown in the broker's own connection list. */
  name: string
  /** PEM file of the authority that signed the brokers' certificates. */
  caFile?: string | undefined
  log: Log
  metrics?: BusMetrics
}

const RECONNECT_WAIT_MS = 250
const PING_INTERVAL_MS = 15_000
const CONNECT_TIMEOUT_MS = 5_000
/** Between two logins that the brokers refused: each of them costs them a check of the credentials. */
const REFUSED_WAIT_MS = 2_000

/**
 * The bus of a cluster. Reconnects for ever and drops what is published meanwhile: the client library would keep it all, without
 * limit, for subscribers who return later than the messages matter.
 *
 * Resolves once the first connection stands and keeps trying until then, so that pods may start before their broker.
 *
 * @throws UserError when the brokers refuse the login at the first connection, when there is no single usable way to log in, or when
 * some servers are to be reached by TLS and others not, or one by TLS at an IP address
 */
export async function connectNats(options: NatsOptions): Promise<Bus> {
  const { servers } = options
  // The library does not take them from there, and URLs are shown in messages.
  if (servers.some((server) => server.includes('@')))
    throw new UserError('a URL in NATS_URL holds a user name or a password: give them as NATS_USER and NATS_PASSWORD', 2)
  const encrypted = servers.filter((server) => server.startsWith('tls://'))
  if (encrypted.length > 0 && encrypted.length < servers.length)
    throw new UserError(`either all NATS servers are reached by tls:// or none: ${servers.join(', ')}`, 2)
  // An empty object demands TLS too: without it the client sends its password to a server that offers none.
  const tls =
    options.caFile === undefined ? (encrypted.length > 0 ? {} : undefined) : { ca: readFileSync(options.caFile, 'utf8') }
  const byAddress = tls && servers.find(isNamedByAddress)
  if (byAddress !== undefined)
    throw new UserError(
      `${byAddress} names a NATS server by its address, which its certificate cannot prove: use its host name`,
      2,
    )
  const authenticator = authenticatorOf(options)
  const open = () =>
    connect({
      servers: [...servers],
      name: options.name,
      authenticator,
      ...(tls && { tls }),
      waitOnFirstConnect: true,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
    })
  const connection = await open().catch((error: unknown) => {
    throw new UserError(`NATS at ${servers.join(', ')} refused the connection: ${messageOf(error)}`, 1, { cause: error })
  })
  return new NatsBus(connection, open, options)
}

/** The library compares the certificate of such a server with the name `localhost`, so that it would try to connect for ever. */
const isNamedByAddress = (server: string): boolean =>
  isIP((URL.parse(server.includes('://') ? server : `nats://${server}`)?.hostname ?? '').replace(/^\[|\]$/g, '')) !== 0

/** One subscription of a service, which outlives the connection it was made on. */
interface KeptSubscription {
  pattern: string
  listener: (payload: Uint8Array, subject: string) => void
  current: Subscription | undefined
}

class NatsBus implements Bus {
  state: BusState = 'connected'
  problem: string | undefined
  #connection: NatsConnection
  readonly #open: () => Promise<NatsConnection>
  readonly #log: Log
  readonly #stateListeners = new Set<(state: BusState) => void>()
  readonly #subscriptions = new Set<KeptSubscription>()
  readonly #metrics: BusMetrics | undefined
  readonly #outgoing = new OutgoingLimit(
    () => this.#connection.flush(),
    () => this.#become('connected'),
  )
  #isClosing = false

  constructor(
    connection: NatsConnection,
    open: () => Promise<NatsConnection>,
    { log, metrics }: Pick<NatsOptions, 'log' | 'metrics'>,
  ) {
    this.#connection = connection
    this.#open = open
    this.#log = log
    this.#metrics = metrics
    this.#follow()
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.state === 'connected' && !this.#connection.isClosed()) {
      if (this.#outgoing.admits(subject.length + payload.length)) {
        this.#connection.publish(subject, payload)
        return
      }
      // To the services this is an outage: once it is over they synchronise, which repairs what was dropped.
      this.#lost('the NATS server has stopped reading')
    }
    if (this.#outgoing.isExceeded) this.#metrics?.dropped.inc()
  }

  subscribe(pattern: string, listener: (payload: Uint8Array, subject: string) => void): () => void {
    const kept: KeptSubscription = { pattern, listener, current: undefined }
    this.#subscriptions.add(kept)
    // One that is made between two connections is opened with the next.
    if (!this.#connection.isClosed()) this.#subscribe(kept)
    return () => {
      this.#subscriptions.delete(kept)
      kept.current?.unsubscribe()
    }
  }

  #subscribe(kept: KeptSubscription): void {
    const { pattern, listener } = kept
    kept.current = this.#connection.subscribe(pattern, {
      callback: (error, message) => {
        if (error) {
          this.#log.error({ err: error, pattern }, 'a subscription was refused')
          return
        }
        // A throw inside this callback would make the library drop its connection.
        try {
          listener(message.data, message.subject)
        } catch (failure) {
          this.#log.error({ err: failure, subject: message.subject }, 'a bus listener failed')
        }
      },
    })
  }

  onState(listener: (state: BusState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  async flush(): Promise<void> {
    if (this.state === 'connected') await this.#connection.flush()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#connection.isClosed()) return
    // Draining waits for an answer of the broker; without one there is nothing left to deliver to.
    await (this.state === 'connected' ? this.#connection.drain() : this.#connection.close())
  }

  #follow(): void {
    void this.#followStatus()
    void this.#connection.closed().then((error) => {
      if (!this.#isClosing) void this.#reopen(error)
    })
  }

  /**
   * The library ends a connection for good when two logins of its whole life were refused with the same error, however often it
   * may reconnect. Credentials that are wrong for a while, as during a reload of the broker, are no reason to end a service.
   */
  async #reopen(error: unknown): Promise<void> {
    this.problem = messageOf(error)
    this.#outgoing.reset()
    this.#become('disconnected')
    this.#log.error({ error: messageOf(error) }, 'NATS ended the connection; a new one is opened until it is accepted')
    while (!this.#isClosing) {
      await new Promise((resolve) => setTimeout(resolve, REFUSED_WAIT_MS * (1 + Math.random())))
      const connection = await this.#open().catch((refusal: unknown) => {
        this.problem = messageOf(refusal)
        return undefined
      })
      if (!connection) continue
      if (this.#isClosing) return connection.close()
      this.#connection = connection
      for (const kept of this.#subscriptions) this.#subscribe(kept)
      this.#become('connected')
      this.#follow()
      return
    }
  }

  async #followStatus(): Promise<void> {
    for await (const { type, data } of this.#connection.status()) {
      if (type === Events.Disconnect) {
        this.#outgoing.reset()
        this.#lost(`no connection to ${data}`)
      } else if (type === Events.Reconnect) this.#become('connected')
      else if (type === Events.Error) this.#onError(String(data))
      else if (type !== DebugEvents.PingTimer) this.#log.debug({ type, data }, 'NATS connection changed')
    }
  }

  #lost(problem: string): void {
    this.problem ??= problem
    this.#become('disconnected')
  }

  #onError(code: string): void {
    this.#log.error({ data: code }, 'NATS reported an error')
    // A subject that is not permitted is no reason to be disconnected. The others come as AUTHORIZATION_VIOLATION.
    if (code !== ErrorCode.PermissionsViolation) this.problem = code.toLowerCase().replaceAll('_', ' ')
  }

  #become(state: BusState): void {
    if (state === this.state) return
    this.state = state
    if (state === 'connected') this.problem = undefined
    else this.#metrics?.outages.inc()
    this.#log.warn({ state, problem: this.problem }, 'NATS connection changed')
    for (const listener of this.#stateListeners) listener(state)
  }
}
