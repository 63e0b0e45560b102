import { backoffMs } from '../../../cells/chassis/backoff.ts'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import {
  type CatalystProblems,
  LIST_UNREADABLE_HEADER,
  readCatalystProblems,
  UNUSED_CATALYSTS_HEADER,
} from '../../../crds/publication.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aboutUrl } from '../../desired/urls.ts'
import type { PublicationStatus } from '../../observed/publication-status.ts'
import type { RealmObserver } from '../observer.ts'
import type { publicationMetrics } from './publication-metrics.ts'

/** `fetch` is HTTP by default. */
export interface PublicationProbeOptions {
  /** Base URL of the realm provider; a realm is at `{providerUrl}/{realmName}/about`. */
  providerUrl: string
  clock: Clock
  log: Log
  fetch?: (url: string) => Promise<FetchResult>
  metrics?: PublicationMetrics | undefined
  /** A number from 0 to 1 that spreads requests in time. */
  random?: () => number
}

type PublicationMetrics = ReturnType<typeof publicationMetrics>

const TIMEOUT_MS = 5_000
const MAX_BYTES = 1024 * 1024
/** Requests at the same time, whatever the number of realms. */
const MAX_PARALLEL = 16
/** Between requests until the realm is served. */
const EAGER = { firstMs: 50, maxMs: 1_000 }
/** After this many requests without success they become rare. */
const EAGER_REQUESTS = 60
const LATE_WAIT_MS = 5_000
/** Between requests while the realm is served. */
const REST_MS = 15_000
/**
 * A provider that served a realm, or was never reached, counts as unreachable only after this many failures in a row: it may be
 * restarting, and an operator that has just started with many realms may be too busy to read an answer in time.
 */
const FAILURES_TO_UNREACHABLE = 3
/**
 * After this many answers in a row with the endpoints of another realm the name is taken; fewer may be earlier endpoints of this
 * realm.
 */
const ANSWERS_TO_TAKEN = 5

type ProviderAnswer = { adapter: string | undefined; problems?: CatalystProblems } | { failed: string }

interface ProbedRealm {
  key: ObjectKey
  aboutUrl: string
  /** Uid of the Realm where it shares its name: the provider then answers for it, and not for the nearest one. */
  publisher: string | undefined
  /** What the provider may answer as `comms.adapter`. */
  adapters: ReadonlySet<string>
  /** Undefined until the first answer. */
  answer?: ProviderAnswer
  status: PublicationStatus
  /** When the adapters changed last, until the provider answers with one of them. */
  wantedSince?: number | undefined
  /** Requests since it last served the realm. */
  requests: number
  /** Failures in a row. */
  failures: number
  /** Answers in a row with endpoints of another realm. */
  others: number
}

/** Requests the `about` of each realm from the realm provider, as players do: often until it is served, rarely from then on. */
export class PublicationProbe implements RealmObserver<PublicationStatus>, Running {
  readonly #providerUrl: string
  readonly #poller: Poller<ProbedRealm, ProviderAnswer>
  readonly #clock: Clock

  constructor({ providerUrl, clock, log, random, metrics, ...options }: PublicationProbeOptions) {
    this.#clock = clock
    this.#providerUrl = providerUrl
    const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
    this.#poller = new Poller({
      ask: async ({ aboutUrl, publisher }) => answerOf(await fetch(publisher ? `${aboutUrl}?publisher=${publisher}` : aboutUrl)),
      learn: (probed, answer) => {
        const outcome = learn(probed, answer)
        if (probed.wantedSince !== undefined && probed.status.state === 'serving') {
          metrics?.served(clock.monotonic() - probed.wantedSince)
          probed.wantedSince = undefined
        }
        return outcome
      },
      concurrency: MAX_PARALLEL,
      clock,
      log,
      random,
    })
  }

  /** Takes the endpoints the provider should serve from the status of the realm. */
  watch(realm: Realm): void {
    const key = keyText(realm.metadata)
    const probed = this.#probedRealm(realm)
    probed.publisher = realm.spec.publication?.shared ? realm.metadata.uid : undefined
    const serving = realm.status?.endpoints?.filter(({ state }) => state === 'Serving') ?? []
    const adapters = new Set(serving.map(({ adapter }) => adapter))
    if (sameSet(adapters, probed.adapters)) return
    const wasPaused = probed.adapters.size === 0
    probed.adapters = adapters
    probed.others = 0
    probed.status = statusOf(probed)
    probed.requests = 0
    // The provider may go on with an adapter that the realm had before: then there is nothing to wait for.
    probed.wantedSince = adapters.size === 0 || probed.status.state === 'serving' ? undefined : this.#clock.monotonic()
    if (adapters.size === 0) this.#poller.pause(key)
    else if (wasPaused || probed.status.state !== 'serving') this.#poller.pollIn(key, 0)
  }

  get(realm: ObjectKey): PublicationStatus | undefined {
    return this.#poller.get(keyText(realm))?.status
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

  /** A realm with another URL than before is probed as a new one. */
  #probedRealm(realm: Realm): ProbedRealm {
    const { namespace, name } = realm.metadata
    const key = keyText({ namespace, name })
    const url = aboutUrl(realm, this.#providerUrl)
    if (this.#poller.get(key)?.aboutUrl !== url) this.#poller.forget(key)
    const create = (): ProbedRealm => ({
      key: { namespace, name },
      aboutUrl: url,
      publisher: undefined,
      adapters: new Set(),
      status: { state: 'unknown', aboutUrl: url },
      requests: 0,
      failures: 0,
      others: 0,
    })
    return this.#poller.watch(key, create, 'on-request')
  }
}

function learn(probed: ProbedRealm, answer: ProviderAnswer): PollOutcome {
  const before = probed.status
  probed.requests++
  probed.failures = 'failed' in answer ? probed.failures + 1 : 0
  if ('adapter' in answer) probed.others = isOfAnotherRealm(answer, probed.adapters) ? probed.others + 1 : 0
  const mayFail = before.state === 'serving' || before.state === 'unknown'
  const isTolerated = mayFail && probed.failures > 0 && probed.failures < FAILURES_TO_UNREACHABLE
  if (!isTolerated) probed.answer = answer
  probed.status = statusOf(probed)
  if (probed.status.state === 'serving') probed.requests = isTolerated ? 1 : 0
  return {
    next: probed.adapters.size > 0 ? waitMs(probed, isTolerated) : 'on-request',
    changed: probed.status.state !== before.state || problemsIn(probed.status) !== problemsIn(before),
  }
}

function answerOf(fetched: FetchResult): ProviderAnswer {
  if (!fetched.ok) return { failed: fetched.reason }
  if (fetched.status === 404) return { adapter: undefined }
  // The realm provider knows the realm, but no endpoint of it yet.
  if (fetched.status === 503 && isAboutOfRealm(fetched.body)) return { adapter: undefined }
  if (fetched.status !== 200) return { failed: `answered ${fetched.status}` }
  const { comms } = (fetched.body ?? {}) as { comms?: { adapter?: unknown } }
  const { headers = {} } = fetched
  return {
    adapter: typeof comms?.adapter === 'string' ? comms.adapter : undefined,
    problems: readCatalystProblems({
      unusedCatalysts: Number(headers[UNUSED_CATALYSTS_HEADER]),
      isListUnreadable: headers[LIST_UNREADABLE_HEADER] === 'true',
    }),
  }
}

const problemsIn = (status: PublicationStatus): string => JSON.stringify(readCatalystProblems({ ...status }))

/** Whether it is an answer about a realm; a provider that starts answers 503 with another body. */
const isAboutOfRealm = (body: unknown): boolean => (body as { healthy?: unknown } | null | undefined)?.healthy === false

const isOfAnotherRealm = ({ adapter }: { adapter: string | undefined }, own: ReadonlySet<string>): boolean =>
  adapter !== undefined && !own.has(adapter)

function statusOf({ answer, adapters, others, aboutUrl, status }: ProbedRealm): PublicationStatus {
  if (!answer) return { state: 'unknown', aboutUrl }
  if ('failed' in answer) {
    // The first error message is kept while the failure lasts, so that the status does not flap.
    return status.state === 'unreachable' ? status : { state: 'unreachable', aboutUrl, message: answer.failed }
  }
  if (answer.adapter === undefined) return { state: 'absent', aboutUrl }
  if (adapters.has(answer.adapter)) return { state: 'serving', aboutUrl, ...answer.problems }
  return others >= ANSWERS_TO_TAKEN ? { state: 'taken', aboutUrl, adapter: answer.adapter } : { state: 'absent', aboutUrl }
}

function waitMs({ status, requests }: ProbedRealm, isTolerated: boolean): number {
  if (isTolerated) return EAGER.maxMs
  if (status.state === 'serving') return REST_MS
  return requests > EAGER_REQUESTS ? LATE_WAIT_MS : backoffMs(EAGER, requests)
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item))
