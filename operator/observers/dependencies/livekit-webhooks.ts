import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { isGuest } from '../../../crds/world.ts'
import type { ObservedWebhooks } from '../../observed/webhooks.ts'
import type { RealmObserver } from '../observer.ts'

/** `fetch` is HTTP by default. */
export interface LivekitWebhooksOptions {
  /** Base URL of the gatekeeper of a realm as the operator reaches it; without a slash at the end. */
  gatekeeperUrlOf: (realm: Realm) => string
  clock: Clock
  log: Log
  fetch?: (url: string) => Promise<FetchResult>
  /** A number from 0 to 1 that spreads requests in time. */
  random?: () => number
}

const PERIOD_MS = 60_000
const TIMEOUT_MS = 2_000
const MAX_BYTES = 16 * 1024
/** Requests at the same time, whatever the number of realms. */
const MAX_PARALLEL = 8

interface AskedGatekeeper {
  key: ObjectKey
  url: string
  state: ObservedWebhooks
}

/** Asks the gatekeeper of each realm with an External LiveKit once a minute whether that sends it webhooks. */
export class LivekitWebhooks implements RealmObserver<ObservedWebhooks>, Running {
  readonly #options: LivekitWebhooksOptions
  readonly #poller: Poller<AskedGatekeeper, ObservedWebhooks>

  constructor(options: LivekitWebhooksOptions) {
    const { clock, log, random } = options
    this.#options = options
    const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
    this.#poller = new Poller({
      ask: async ({ url }) => stateIn(await fetch(`${url}/status`)),
      learn,
      ...{ concurrency: MAX_PARALLEL, clock, log, random },
    })
  }

  watch(realm: Realm): void {
    const { gatekeeperUrlOf, random = Math.random } = this.#options
    const { livekit, gatekeeper } = realm.spec
    const { namespace, name } = realm.metadata
    const create = (): AskedGatekeeper => ({ key: { namespace, name }, url: gatekeeperUrlOf(realm), state: 'unknown' })
    // The operator itself tells a Managed LiveKit where to send them.
    if (livekit.type !== 'External' || gatekeeper.replicas === 0 || isGuest(realm)) this.forget(realm.metadata)
    else this.#poller.watch(keyText(realm.metadata), create, PERIOD_MS * random())
  }

  get(realm: ObjectKey): ObservedWebhooks | undefined {
    return this.#poller.get(keyText(realm))?.state
  }

  forget(realm: ObjectKey): void {
    this.#poller.forget(keyText(realm))
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(({ key }) => listener(key))
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }
}

/** A replica that has just started does not know yet: what another one said stands. */
function learn(gatekeeper: AskedGatekeeper, state: ObservedWebhooks): PollOutcome {
  const changed = state !== 'unknown' && state !== gatekeeper.state
  if (changed) gatekeeper.state = state
  return { next: PERIOD_MS, changed }
}

function stateIn(fetched: FetchResult): ObservedWebhooks {
  const { webhooks } = (fetched.ok && fetched.status === 200 ? (fetched.body ?? {}) : {}) as { webhooks?: unknown }
  return webhooks === 'arrive' || webhooks === 'missing' ? webhooks : 'unknown'
}
