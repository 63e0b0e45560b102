import { type Clock, systemClock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import type { Transport } from '../../cells/kube/transport.ts'
import { epochOf, isFree, type LeaderLease, leaseOf, released, renewed } from './lease.ts'

/** Somebody else leads, or may: nothing was written. */
export class NotLeading extends Error {
  constructor() {
    super('this operator does not lead at the moment')
    this.name = 'NotLeading'
  }
}

/** What goes with a write, so that it does not outlive the leadership it was begun in. */
export interface WriteFence {
  /** Aborts when leadership ends. */
  signal: AbortSignal
  /** Called as the write goes out. @throws NotLeading */
  guard: () => void
}

/** Whether this operator may write. */
export interface Leadership {
  /** True while the lease is ours for certain: also right after the process was paused, when no timer has fired yet. */
  isLeader(): boolean
  /** Asked before each write; a lease that was not renewed lately is renewed first. @throws NotLeading */
  fence(): Promise<WriteFence>
}

/** A candidate for leadership. Stopping it hands a lease it holds to whoever waits. */
export interface LeaderElector extends Leadership, Running {
  start(): void
  /** When the term of whoever held the lease last, as far as we saw, began: ours while we lead, and greater than that of any leader before. */
  epoch(): number
}

/** What a candidate is made of. */
export interface ElectorOptions {
  transport: Pick<Transport, 'list' | 'watch' | 'get' | 'create' | 'replace'>
  lease: { namespace: string; name: string }
  /** Names this process, and no other. */
  identity: string
  onElected: () => void
  onLost: () => void
  log: Log
  clock?: Clock
  random?: () => number
}

/** How long others wait after the last sign of a leader. */
export const LEASE_MS = 10_000
/** How long a leader trusts its last renewal; the difference is what clocks and slow requests may be off. */
export const TRUST_MS = 7_000
const RENEW_MS = 2_000
/** A renewal as old as this was missed once already: nothing is begun on its strength. */
export const FRESH_MS = 3_500
const REQUEST_TIMEOUT_MS = 2_000
/** Candidates do not all try at the same moment. */
const JITTER_MS = 500

/** Leadership as somebody else judges it. */
export function leadershipBy(isLeader: () => boolean, signal: AbortSignal = new AbortController().signal): Leadership {
  const guard = () => {
    if (!isLeader()) throw new NotLeading()
  }
  return {
    isLeader,
    async fence() {
      guard()
      return { signal, guard }
    },
  }
}

/** Leadership always held, where there is nobody to share it with. */
export const soleLeadership: Leadership = leadershipBy(() => true)

/**
 * Takes part in the election by a Lease. A candidate waits on a watch, so a released lease is taken at once and waiting costs nothing;
 * whether a leader is gone is judged by how long we ourselves saw no sign of it, never by the clocks of others.
 */
export function createElector(options: ElectorOptions): LeaderElector {
  const { transport, lease: key, identity, onElected, onLost, log, clock = systemClock, random = Math.random } = options
  let term = over()
  let stopped = false
  /** The lease as last seen, and when by our clock it last changed. */
  let known: LeaderLease | undefined
  let changedAt = clock.now()
  /** When the last renewal that worked was sent; nothing while we do not lead. */
  let renewedAt: number | undefined
  let failures = 0
  let busy: Promise<void> | undefined
  let cancelAttempt = () => {}
  let cancelTrust = () => {}

  const reflector = createReflector<LeaderLease>({
    transport,
    path: collectionPath(resources.Lease, key.namespace),
    selector: { fields: `metadata.name=${key.name}` },
    project: (live) => live,
    onChange({ type, object }) {
      if (renewedAt !== undefined) return // our own renewals, or somebody's meddling: the next renewal settles it
      saw(type === 'removed' ? undefined : object)
      schedule()
    },
    log,
    clock,
  })

  function saw(lease: LeaderLease | undefined): void {
    // Somebody deleted it: whoever held it may not know yet, so it counts as held until it would have ended.
    const seen = lease ?? (known && { ...leaseOf(key), spec: known.spec })
    if (seen?.metadata.resourceVersion !== known?.metadata.resourceVersion) changedAt = clock.now()
    known = seen
  }

  /** When to try next: to renew while we lead, to take the lease once it is free. */
  function schedule(): void {
    cancelAttempt()
    if (stopped) return
    cancelAttempt = clock.after(delayMs(), () => void tryNow())
  }

  function tryNow(): Promise<void> {
    busy ??= attempt().finally(() => {
      busy = undefined
      schedule()
    })
    return busy
  }

  function delayMs(): number {
    if (renewedAt !== undefined) return RENEW_MS * (0.9 + 0.2 * random())
    if (failures > 0) return RENEW_MS * (0.5 + random())
    return isFree(known) ? 0 : Math.max(0, endsAt() - clock.now()) + JITTER_MS * random()
  }

  const endsAt = () => changedAt + (known?.spec.leaseDurationSeconds ?? 0) * 1000

  async function attempt(): Promise<void> {
    const sentAt = clock.now()
    try {
      if (renewedAt === undefined) {
        saw(await transport.get<LeaderLease>(resources.Lease, key))
        const mayTake = isFree(known) || known?.spec.holderIdentity === identity || clock.now() >= endsAt()
        failures = 0
        if (!mayTake || stopped) return
      }
      known = await write(renewed(known ?? leaseOf(key), identity, LEASE_MS, clock.now()))
      failures = 0
      if (!stopped) lead(sentAt)
    } catch (error) {
      failures++
      log.warn({ error: messageOf(error), identity }, 'could not take or renew the lease')
      if (isStatus(error, 409) || isStatus(error, 404)) await lookAgain()
    }
  }

  /** Somebody else wrote or deleted the lease, or our own write arrived without its answer. */
  async function lookAgain(): Promise<void> {
    try {
      saw(await transport.get<LeaderLease>(resources.Lease, key))
    } catch {
      return // the next attempt asks again
    }
    if (known?.spec.holderIdentity !== identity) lose('somebody else took the lease')
  }

  const write = (lease: LeaderLease): Promise<LeaderLease> =>
    lease.metadata.resourceVersion
      ? transport.replace(resources.Lease, lease, { timeoutMs: REQUEST_TIMEOUT_MS })
      : transport.create(resources.Lease, lease, { timeoutMs: REQUEST_TIMEOUT_MS })

  function lead(since: number): void {
    const isNew = renewedAt === undefined
    renewedAt = since
    cancelTrust()
    cancelTrust = clock.after(since + TRUST_MS - clock.now(), () => lose('the lease could not be renewed in time'))
    if (!isNew) return
    term = new AbortController()
    log.info({ identity }, 'leads from now on')
    onElected()
  }

  function lose(why: string): void {
    if (renewedAt === undefined) return
    renewedAt = undefined
    cancelTrust()
    term.abort(new Error(why))
    log.warn({ identity, why }, 'leads no more')
    onLost()
    schedule()
  }

  const renewedWithin = (ms: number) => renewedAt !== undefined && clock.now() - renewedAt < ms
  const isLeader = () => renewedWithin(TRUST_MS)
  const guard = () => {
    if (!isLeader()) throw new NotLeading()
  }

  return {
    start() {
      reflector.start()
      schedule()
    },
    isLeader,
    epoch: () => (known ? epochOf(known) : 0),
    async fence() {
      guard()
      if (!renewedWithin(FRESH_MS)) await tryNow()
      if (!renewedWithin(FRESH_MS)) throw new NotLeading()
      return { signal: term.signal, guard }
    },
    async stop() {
      stopped = true
      cancelAttempt()
      await busy
      lose('the operator stops')
      if (known?.spec.holderIdentity === identity && known.metadata.resourceVersion)
        await write(released(known)).catch((error: unknown) =>
          log.warn({ error: messageOf(error) }, 'could not release the lease; it ends by itself'),
        )
      await reflector.stop()
    },
  }
}

/** A term that has ended. */
function over(): AbortController {
  const term = new AbortController()
  term.abort(new Error('never elected'))
  return term
}
