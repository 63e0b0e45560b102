import { jittered } from '../../cells/chassis/backoff.ts'
import { type Clock, type Moment, momentOf, systemClock } from '../../cells/chassis/clock.ts'
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

// The times are those of client-go's leader election: 15 s, 10 s and 2 s, and half the second for one request.
/** How long the other operators wait after the last renewal they saw. */
export const LEASE_MS = 15_000
/** How long a leader relies on its last renewal. The difference to `LEASE_MS` allows for inexact clocks and slow requests. */
export const TRUST_MS = 10_000
const RENEW_MS = 2_000
/** For one renewal: a leader is replaced when two in a row are not answered, not when an API server is slow. */
const REQUEST_TIMEOUT_MS = TRUST_MS / 2
/** After this time without a renewal one was missed already: no write is begun before the next. */
export const FRESH_MS = RENEW_MS + REQUEST_TIMEOUT_MS
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
  /** The lease as last seen, and when it last changed, by the monotonic clock. */
  #lease: LeaderLease | undefined
  #changedAt: number
  /** When the last successful renewal was sent; undefined while not leading. */
  #renewedAt: Moment | undefined
  /** When the last attempt began, by the monotonic clock. */
  #triedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #attempt: Promise<void> | undefined
  #cancelAttempt = () => {}
  #cancelTrust = () => {}

  constructor({ clock = systemClock, random = Math.random, ...options }: ElectorOptions) {
    this.#options = { ...options, clock, random }
    this.#changedAt = clock.monotonic()
    const { client, lease, log } = options
    this.#reflector = createReflector<LeaderLease>({
      client,
      path: collectionPath(resources.Lease, lease.namespace),
      selector: { fields: `metadata.name=${lease.name}` },
      project: (live) => live,
      onChange: ({ type, object }) => {
        if (this.#renewedAt) return // an own renewal, or an edit by another client, which the next renewal finds
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
    return this.#sinceRenewal() < TRUST_MS
  }

  async fence(): Promise<WriteFence> {
    this.#guard()
    if (!this.#isFresh()) await this.#tryNow()
    if (!this.#isFresh()) throw new NotLeading()
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

  /** Milliseconds by the monotonic clock. */
  #sinceRenewal(): number {
    return this.#renewedAt ? this.#options.clock.monotonic() - this.#renewedAt.monotonicMs : Number.POSITIVE_INFINITY
  }

  /** By both clocks: the monotonic one stands still while the machine is suspended, and one more renewal after a jump is harmless. */
  #isFresh(): boolean {
    const { clock } = this.#options
    return this.#sinceRenewal() < FRESH_MS && clock.now() - (this.#renewedAt?.epochMs ?? 0) < FRESH_MS
  }

  #see(lease: LeaderLease | undefined): void {
    // A deleted lease counts as held until it would have expired: its holder may not know of the deletion yet.
    const seen = lease ?? (this.#lease && { ...leaseOf(this.#options.lease), spec: this.#lease.spec })
    if (seen?.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion)
      this.#changedAt = this.#options.clock.monotonic()
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
    // From the beginning of the last attempt: if each took its time before the pause, slow answers would use up the trust.
    if (this.#renewedAt) return Math.max(0, this.#triedAt + jittered(RENEW_MS, random(), 0.1) - clock.monotonic())
    if (this.#failures > 0) return jittered(RENEW_MS, random(), 0.5)
    return isFree(this.#lease) ? 0 : Math.max(0, this.#expiresAt() - clock.monotonic()) + JITTER_MS * random()
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
    const sentAt = momentOf(clock)
    this.#triedAt = sentAt.monotonicMs
    try {
      if (!this.#renewedAt) {
        this.#see(await this.#read())
        const mayTake =
          isFree(this.#lease) || this.#lease?.spec.holderIdentity === identity || clock.monotonic() >= this.#expiresAt()
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

  #lead(sentAt: Moment): void {
    const { clock, identity, log, onElected } = this.#options
    const isNew = !this.#renewedAt
    this.#renewedAt = sentAt
    this.#cancelTrust()
    const trustMs = TRUST_MS - this.#sinceRenewal()
    this.#cancelTrust = clock.after(trustMs, () => this.#lose('the lease could not be renewed in time'))
    if (!isNew) return
    this.#term = new AbortController()
    log.info({ identity }, 'became the leader')
    onElected()
  }

  #lose(why: string): void {
    if (!this.#renewedAt) return
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
