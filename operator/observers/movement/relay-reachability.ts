import { backoffMs } from '../../../cells/chassis/backoff.ts'
import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { PollOutcome } from '../../../cells/chassis/poller.ts'
import { relayText } from '../../../cells/wire/relay-address.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { ChosenRelay } from '../../desired/movement.ts'
import type { RelayAnswer, RelayState } from '../../observed/relay-state.ts'
import type { RealmObserver } from '../observer.ts'
import { SharedPoller, type SharedTarget } from '../shared-poller.ts'
import type { RelayMetrics } from './relay-metrics.ts'
import type { RelayProbe } from './relay-probe.ts'

export interface RelayReachabilityOptions {
  clock: Clock
  log: Log
  probe: RelayProbe
  /** The relay of a realm; undefined where it has none. */
  relayOf(realm: Realm): ChosenRelay | undefined
  metrics?: RelayMetrics
  /** A number from 0 to 1 that spreads probes in time. */
  random?: () => number
}

/** Probes at the same time, whatever the number of realms. One that fails takes as long as its time limit. */
const MAX_PARALLEL = 64
/** Between probes while the relay answers. With its failures, a relay that is gone is reported within 30 s. */
const REST_MS = 10_000
/** Between probes while it does not. */
const RETRY = { firstMs: 1_000, maxMs: 15_000 }
/** A relay that answered counts as gone only after this many failures in a row: it may be restarting. */
const FAILURES_TO_GONE = 3

/** A relay, and the realms that name it. */
interface Target extends SharedTarget {
  relay: ChosenRelay
  state: RelayState
  failures: number
}

/** Probes each movement relay from time to time, once for all realms that name it. */
export class RelayReachability implements RealmObserver<RelayState>, Running {
  readonly #options: RelayReachabilityOptions
  readonly #poller: SharedPoller<Target, RelayAnswer>
  readonly #relays = new Map<string, string>()

  constructor(options: RelayReachabilityOptions) {
    this.#options = options
    const { clock, log, random, probe, metrics } = options
    this.#poller = new SharedPoller({
      ask: ({ relay }) => probe(relay),
      learn: (target, answer) => {
        metrics?.inc({ result: answer })
        return learn(target, answer)
      },
      concurrency: MAX_PARALLEL,
      clock,
      log,
      random,
    })
  }

  watch(realm: Realm): void {
    const relay = this.#options.relayOf(realm)
    if (relay) this.#watch(realm.metadata, relay)
    else this.forget(realm.metadata)
  }

  get(realm: ObjectKey): RelayState | undefined {
    const target = this.#relays.get(keyText(realm))
    return target === undefined ? undefined : (this.#poller.get(target)?.state ?? 'unknown')
  }

  forget(realm: ObjectKey): void {
    this.#relays.delete(keyText(realm))
    this.#poller.depend(realm, new Map())
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(listener)
  }

  async stop(): Promise<void> {
    this.#relays.clear()
    await this.#poller.stop()
  }

  #watch(realm: ObjectKey, relay: ChosenRelay): void {
    // That of the installation may be at addresses that are not sent to for a user.
    const target = `${relay.isManaged ? 'managed' : 'external'} ${relayText(relay.address)}`
    this.#relays.set(keyText(realm), target)
    const create = (): Target => ({ relay, realms: new Map(), state: 'unknown', failures: 0 })
    this.#poller.depend(realm, new Map([[target, create]]))
  }
}

function learn(target: Target, answer: RelayAnswer): PollOutcome {
  const before = target.state
  target.failures = answer === 'reachable' ? 0 : target.failures + 1
  if (answer === 'reachable' || before !== 'reachable' || target.failures >= FAILURES_TO_GONE) target.state = answer
  return { next: target.failures === 0 ? REST_MS : backoffMs(RETRY, target.failures), changed: target.state !== before }
}
