import { backoffMs } from '../../../cells/chassis/backoff.ts'
import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { isGuest } from '../../../crds/world.ts'
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
    this.#poller.depend(realm.metadata, new Map(needs.map(({ target }) => [target, create(target)])))
  }

  get(realm: ObjectKey): readonly Reachability[] | undefined {
    return this.#needs.get(keyText(realm))?.map(({ target, ...need }) => {
      const { state = 'unknown' } = this.#poller.get(target) ?? {}
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

/** `target` is the URL as it leads to the same server from the operator's namespace. */
type Need = Pick<Reachability, 'dependency' | 'url'> & { target: string }

function needsOf(realm: Realm): Need[] {
  const { namespace } = realm.metadata
  const { livekit, nats } = realm.spec
  if (isGuest(realm)) return []
  const need = (dependency: Need['dependency'], url: string): Need => ({ dependency, url, target: fromOutside(url, namespace) })
  return [
    ...(livekit.type === 'External' && livekit.url ? [need('LiveKit', livekit.url)] : []),
    ...(nats.type === 'External' ? (nats.urls ?? []).map((url) => need('NATS', url)) : []),
  ]
}

/** A name without a dot is that of a Service of the realm's namespace for its pods, and would be one of the operator's namespace here. */
const fromOutside = (url: string, namespace: string): string =>
  url.replace(/^([a-z]+:\/\/(?:[^/?#]*@)?)([\w-]+)(?=[:/?#]|$)/, `$1$2.${namespace}.svc`)
