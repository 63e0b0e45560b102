import { backoffMs } from '../../../cells/chassis/backoff.ts'
import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { Reachability } from '../../observed/reachability.ts'
import type { RealmObserver } from '../observer.ts'
import { SharedPoller, type SharedTarget } from '../shared-poller.ts'
import type { ReachabilityProbe } from './reachability-probe.ts'

export interface DependencyReachabilityOptions {
  clock: Clock
  log: Log
  probe: ReachabilityProbe
  /** A number from 0 to 1 that spreads probes in time. */
  random?: () => number
}

/** Probes at the same time, whatever the number of realms. One that fails takes as long as its timeout. */
const MAX_PARALLEL = 64
/** Between probes while the server is not reached. */
const RETRY = { firstMs: 1_000, maxMs: 15_000 }
/** Between probes while it is. */
const REST_MS = 30_000
/** A server that was reached counts as unreachable only after this many failures in a row: it may be restarting. */
const FAILURES_TO_UNREACHABLE = 3

/** A server outside, and the realms that depend on it. */
interface Dependency extends SharedTarget {
  url: string
  state: 'unknown' | 'reachable' | 'unreachable'
  failures: number
}

/**
 * Probes each External LiveKit and NATS from time to time, once for all realms that depend on it, and never with a credential.
 */
export class DependencyReachability implements RealmObserver<readonly Reachability[]>, Running {
  readonly #poller: SharedPoller<Dependency, boolean>
  readonly #needs = new Map<string, readonly Need[]>()

  constructor({ clock, log, random, probe }: DependencyReachabilityOptions) {
    this.#poller = new SharedPoller({
      ask: ({ url }) => probe(url),
      learn,
      concurrency: MAX_PARALLEL,
      clock,
      log,
      random,
    })
  }

  watch(realm: Realm): void {
    const needs = needsOf(realm)
    this.#needs.set(keyText(realm.metadata), needs)
    const create = (url: string) => (): Dependency => ({ url, realms: new Map(), state: 'unknown', failures: 0 })
    this.#poller.depend(realm.metadata, new Map(needs.map(({ url }) => [url, create(url)])))
  }

  get(realm: ObjectKey): readonly Reachability[] | undefined {
    return this.#needs.get(keyText(realm))?.map((need) => {
      const { state = 'unknown' } = this.#poller.get(need.url) ?? {}
      return { ...need, state }
    })
  }

  forget(realm: ObjectKey): void {
    this.#needs.delete(keyText(realm))
    this.#poller.depend(realm, new Map())
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(listener)
  }

  async stop(): Promise<void> {
    this.#needs.clear()
    await this.#poller.stop()
  }
}

function learn(dependency: Dependency, isReached: boolean): PollOutcome {
  const before = dependency.state
  if (isReached) {
    dependency.failures = 0
    dependency.state = 'reachable'
    return { next: REST_MS, changed: before !== 'reachable' }
  }
  dependency.failures++
  if (before !== 'reachable' || dependency.failures >= FAILURES_TO_UNREACHABLE) dependency.state = 'unreachable'
  return { next: backoffMs(RETRY, dependency.failures), changed: dependency.state !== before }
}

type Need = Pick<Reachability, 'dependency' | 'url'>

function needsOf({ spec: { livekit, nats } }: Realm): Need[] {
  return [
    ...(livekit.type === 'External' && livekit.url ? [{ dependency: 'LiveKit' as const, url: livekit.url }] : []),
    ...(nats.type === 'External' ? (nats.urls ?? []).map((url) => ({ dependency: 'NATS' as const, url })) : []),
  ]
}
