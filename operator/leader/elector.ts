import { jittered } from '../../cells/chassis/backoff.ts'
import { type Clock, systemClock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import { createReflector, type Reflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { type Leadership, NotLeading, type WriteFence } from './leadership.ts'
import { epochOf, isFree, type LeaderLease, leaseOf, released, renewed } from './lease.ts'

/** `identity` must be unique to the process. */
export interface ElectorOptions {
  client: Pick<KubeClient, 'list' | 'watch' | 'get' | 'create' | 'replace'>
  lease: { namespace: string; name: string }
  identity: string
  onElected: () => void
  onLost: () => void
  log: Log
  clock?: Clock
  random?: () => number
}

/** How long the other operators wait after the last renewal they saw. */
export const LEASE_MS = 10_000
/** How long a leader relies on its last renewal. The difference to `LEASE_MS` allows for inexact clocks and slow requests. */
export const TRUST_MS = 7_000
const RENEW_MS = 2_000
/** After this time without a renewal one was missed already: no write is begun before the next. */
export const FRESH_MS = 3_500
const REQUEST_TIMEOUT_MS = 2_000
/** Spreads the attempts of several operators. */
const JITTER_MS = 500

/**
 * Takes part in the election by a Lease. While another operator leads it waits on a watch, so that a released lease is taken at
 * once and waiting costs no requests. Whether the leader is gone is judged by how long no renewal was seen, never by the clocks
 * of other machines.
 */
export class LeaderElector implements Leadership, Running {
  readonly #options: ElectorOptions & { clock: Clock; random: () => number }
  readonly #reflector: Reflector<LeaderLease>
  #term = endedTerm()
  #stopped = false
  /** The lease as last seen, and when it last changed by the own clock. */
  #lease: LeaderLease | undefined
  #changedAt: number
  /** When the last successful renewal was sent; undefined while not leading. */
  #renewedAt: number | undefined
  #failures = 0
  #attempt: Promise<void> | undefined
  #cancelAttempt = () => {}
  #cancelTrust = () => {}

  constructor({ clock = systemClock, random = Math.random, ...options }: ElectorOptions) {
    this.#options = { ...options, clock, random }
    this.#changedAt = clock.now()
    const { client, lease, log } = options
    this.#reflector = createReflector<LeaderLease>({
      client,
      path: collectionPath(resources.Lease, lease.namespace),
      selector: { fields: `metadata.name=${lease.name}` },
      project: (live) => live,
      onChange: ({ type, object }) => {
        if (this.#renewedAt !== undefined) return // an own renewal, or an edit by another client, which the next renewal finds
        this.#see(type === 'removed' ? undefined : object)
        this.#schedule()
      },
      log,
      clock,
    })
  }

  start(): void {
    this.#reflector.start()
    this.#schedule()
  }

  /** Releases the lease if it is held, so that another operator takes it at once. */
  async stop(): Promise<void> {
    const { identity, log } = this.#options
    this.#stopped = true
    this.#cancelAttempt()
    await this.#attempt
    this.#lose('the operator stops')
    if (this.#lease?.spec.holderIdentity === identity && this.#lease.metadata.resourceVersion)
      await this.#write(released(this.#lease)).catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'could not release the lease; it expires by itself'),
      )
    await this.#reflector.stop()
  }

  isLeader(): boolean {
    return this.#wasRenewedWithin(TRUST_MS)
  }

  async fence(): Promise<WriteFence> {
    this.#guard()
    if (!this.#wasRenewedWithin(FRESH_MS)) await this.#tryNow()
    if (!this.#wasRenewedWithin(FRESH_MS)) throw new NotLeading()
    return { signal: this.#term.signal, guard: () => this.#guard() }
  }

  /**
   * When the term of the last known holder of the lease began, in milliseconds: the own term while leading, and greater than that
   * of any earlier leader.
   */
  epoch(): number {
    return this.#lease ? epochOf(this.#lease) : 0
  }

  #guard(): void {
    if (!this.isLeader()) throw new NotLeading()
  }

  #wasRenewedWithin(ms: number): boolean {
    return this.#renewedAt !== undefined && this.#options.clock.now() - this.#renewedAt < ms
  }

  #see(lease: LeaderLease | undefined): void {
    // A deleted lease counts as held until it would have expired: its holder may not know of the deletion yet.
    const seen = lease ?? (this.#lease && { ...leaseOf(this.#options.lease), spec: this.#lease.spec })
    if (seen?.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion) this.#changedAt = this.#options.clock.now()
    this.#lease = seen
  }

  /** Plans the next attempt: a renewal while leading, else the moment when the lease is free. */
  #schedule(): void {
    this.#cancelAttempt()
    if (this.#stopped) return
    this.#cancelAttempt = this.#options.clock.after(this.#delayMs(), () => void this.#tryNow())
  }

  #delayMs(): number {
    const { clock, random } = this.#options
    if (this.#renewedAt !== undefined) return jittered(RENEW_MS, random(), 0.1)
    if (this.#failures > 0) return jittered(RENEW_MS, random(), 0.5)
    return isFree(this.#lease) ? 0 : Math.max(0, this.#expiresAt() - clock.now()) + JITTER_MS * random()
  }

  #expiresAt(): number {
    return this.#changedAt + (this.#lease?.spec.leaseDurationSeconds ?? 0) * 1000
  }

  #tryNow(): Promise<void> {
    this.#attempt ??= this.#takeOrRenew().finally(() => {
      this.#attempt = undefined
      this.#schedule()
    })
    return this.#attempt
  }

  async #takeOrRenew(): Promise<void> {
    const { clock, identity, log, lease } = this.#options
    const sentAt = clock.now()
    try {
      if (this.#renewedAt === undefined) {
        this.#see(await this.#read())
        const mayTake = isFree(this.#lease) || this.#lease?.spec.holderIdentity === identity || clock.now() >= this.#expiresAt()
        this.#failures = 0
        if (!mayTake || this.#stopped) return
      }
      this.#lease = await this.#write(renewed(this.#lease ?? leaseOf(lease), identity, LEASE_MS, clock.now()))
      this.#failures = 0
      if (!this.#stopped) this.#lead(sentAt)
    } catch (error) {
      this.#failures++
      log.warn({ error: messageOf(error), identity }, 'could not take or renew the lease')
      if (isStatus(error, 409) || isStatus(error, 404)) await this.#readAfterConflict()
    }
  }

  /** Another client wrote or deleted the lease, or the own write arrived but its response did not. */
  async #readAfterConflict(): Promise<void> {
    try {
      this.#see(await this.#read())
    } catch {
      return // the next attempt reads again
    }
    if (this.#lease?.spec.holderIdentity !== this.#options.identity) this.#lose('another operator took the lease')
  }

  #read(): Promise<LeaderLease | undefined> {
    return this.#options.client.get<LeaderLease>(resources.Lease, this.#options.lease)
  }

  #write(lease: LeaderLease): Promise<LeaderLease> {
    const { client } = this.#options
    const options = { timeoutMs: REQUEST_TIMEOUT_MS }
    return lease.metadata.resourceVersion
      ? client.replace(resources.Lease, lease, options)
      : client.create(resources.Lease, lease, options)
  }

  #lead(sentAt: number): void {
    const { clock, identity, log, onElected } = this.#options
    const isNew = this.#renewedAt === undefined
    this.#renewedAt = sentAt
    this.#cancelTrust()
    this.#cancelTrust = clock.after(sentAt + TRUST_MS - clock.now(), () => this.#lose('the lease could not be renewed in time'))
    if (!isNew) return
    this.#term = new AbortController()
    log.info({ identity }, 'became the leader')
    onElected()
  }

  #lose(why: string): void {
    if (this.#renewedAt === undefined) return
    const { identity, log, onLost } = this.#options
    this.#renewedAt = undefined
    this.#cancelTrust()
    this.#term.abort(new Error(why))
    log.warn({ identity, why }, 'stopped being the leader')
    onLost()
    this.#schedule()
  }
}

function endedTerm(): AbortController {
  const term = new AbortController()
  term.abort(new Error('never elected'))
  return term
}
