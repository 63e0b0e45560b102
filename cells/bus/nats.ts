import { readFileSync } from 'node:fs'
import { connect, DebugEvents, Events, type NatsConnection, type Subscription } from 'nats'
import { messageOf, UserError } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import type { Bus, BusState } from './bus.ts'

/** Where the brokers are and who we are to them. */
export interface NatsOptions {
  /** `nats://host:4222`, one or several of one cluster. */
  servers: readonly string[]
  /** Shown in the broker's own connection list. */
  name: string
  user?: string | undefined
  password?: string | undefined
  /** PEM file of the authority that signed the brokers' certificates. */
  caFile?: string | undefined
  log: Log
}

const RECONNECT_WAIT_MS = 250
const PING_INTERVAL_MS = 15_000
const CONNECT_TIMEOUT_MS = 5_000

/**
 * The bus of a cluster. Reconnects for ever and drops what is published meanwhile: the client library would keep it all,
 * without limit, for subscribers who come back later than the messages matter.
 *
 * Resolves once the first connection stands and keeps trying until then, so that pods may start before their broker.
 *
 * @throws UserError when the brokers refuse our credentials
 */
export async function connectNats({ servers, name, user, password, caFile, log }: NatsOptions): Promise<Bus> {
  const connection = await connect({
    servers: [...servers],
    name,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(caFile !== undefined && { tls: { ca: readFileSync(caFile, 'utf8') } }),
    waitOnFirstConnect: true,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
  }).catch((error: unknown) => {
    throw new UserError(`NATS at ${servers.join(', ')} refused us: ${messageOf(error)}`, 1, { cause: error })
  })
  return new NatsBus(connection, log)
}

class NatsBus implements Bus {
  state: BusState = 'connected'
  readonly #connection: NatsConnection
  readonly #log: Log
  readonly #stateListeners = new Set<(state: BusState) => void>()

  constructor(connection: NatsConnection, log: Log) {
    this.#connection = connection
    this.#log = log
    void this.#followStatus()
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.state === 'connected' && !this.#connection.isClosed()) this.#connection.publish(subject, payload)
  }

  subscribe(pattern: string, listener: (payload: Uint8Array, subject: string) => void): () => void {
    const subscription: Subscription = this.#connection.subscribe(pattern, {
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
    return () => subscription.unsubscribe()
  }

  onState(listener: (state: BusState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  async flush(): Promise<void> {
    if (this.state === 'connected') await this.#connection.flush()
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed()) return
    // Draining waits for an answer of the broker; without one there is nothing left to deliver to.
    await (this.state === 'connected' ? this.#connection.drain() : this.#connection.close())
  }

  async #followStatus(): Promise<void> {
    for await (const { type, data } of this.#connection.status()) {
      if (type === Events.Disconnect) this.#become('disconnected')
      else if (type === Events.Reconnect) this.#become('connected')
      else if (type === Events.Error) this.#log.error({ data }, 'NATS reported an error')
      else if (type !== DebugEvents.PingTimer) this.#log.debug({ type, data }, 'NATS connection changed')
    }
  }

  #become(state: BusState): void {
    if (state === this.state) return
    this.state = state
    this.#log.warn({ state }, 'NATS connection changed')
    for (const listener of this.#stateListeners) listener(state)
  }
}
