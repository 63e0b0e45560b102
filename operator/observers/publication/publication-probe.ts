import type { Clock } from '../../../cells/chassis/clock.ts'
import { type Fetched, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aboutUrl } from '../../desired/urls.ts'
import type { PublicationStatus } from '../../observed/publication.ts'
import type { Publication } from './publication.ts'

/** What a prober is made of. */
export interface ProberOptions {
  /** Base URL of the realm provider; a realm is at `{providerUrl}/{realmName}/about`. */
  providerUrl: string
  clock: Clock
  /** Asks for a URL; over HTTP unless told. */
  fetch?: (url: string) => Promise<Fetched>
  /** A number from 0 to 1 that spreads questions in time; chance unless told. */
  random?: () => number
}

const TIMEOUT_MS = 5_000
const MAX_BYTES = 1024 * 1024
/** Questions under way at once, whatever the number of realms. */
const MAX_PARALLEL = 16
/** From one question to the next while a realm is awaited: from this, doubling, up to that. */
const FIRST_WAIT_MS = 50
const LAST_WAIT_MS = 1_000
/** After this many questions without success a realm is no longer awaited by the second. */
const EAGER_QUESTIONS = 60
const LATE_WAIT_MS = 5_000
/** From one question to the next while all is well. */
const REST_MS = 15_000
/** A provider that served a realm counts as unreachable only after this many failures in a row: it may be restarting. */
const PATIENCE = 3
/** After this many answers in a row that serve somebody else, the name is taken; the first ones may be what we served ourselves before. */
const TAKEN_AFTER = 5

interface Watched {
  key: ObjectKey
  aboutUrl: string
  /** What the provider may answer as `comms.adapter`. */
  adapters: ReadonlySet<string>
  /** What it answered last; undefined while nobody asked. */
  answer?: { adapter: string | undefined } | { failed: string }
  sighting: PublicationStatus
  /** Questions since it last served the realm, and failures in a row. */
  questions: number
  failures: number
  /** Answers in a row that serve endpoints of somebody else. */
  others: number
  asking: boolean
  cancel: () => void
}

/** Looks at a realm provider over HTTP: eagerly until it serves a realm, calmly from then on. */
export function createProber({ providerUrl, clock, random = Math.random, ...options }: ProberOptions): Publication & Running {
  const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
  const watched = new Map<string, Watched>()
  const lanes = createLanes(MAX_PARALLEL)
  const listeners = new Set<(key: ObjectKey) => void>()
  const isWatched = (entry: Watched) => watched.get(keyText(entry.key)) === entry

  function watch(realm: Realm, url: string): Watched {
    const { namespace, name } = realm.metadata
    const entry: Watched = {
      key: { namespace, name },
      aboutUrl: url,
      adapters: new Set(),
      sighting: { state: 'unknown', aboutUrl: url },
      questions: 0,
      failures: 0,
      others: 0,
      asking: false,
      cancel: () => {},
    }
    watched.set(keyText(entry.key), entry)
    return entry
  }

  function schedule(entry: Watched, afterMs: number): void {
    entry.cancel()
    entry.cancel = clock.after(afterMs * (0.8 + 0.4 * random()), () => void lanes.run(() => ask(entry)))
  }

  async function ask(entry: Watched): Promise<void> {
    if (entry.asking || !isWatched(entry)) return
    entry.asking = true
    entry.questions++
    const answer = answerOf(await fetch(entry.aboutUrl))
    entry.asking = false
    if (!isWatched(entry)) return // forgotten meanwhile
    entry.failures = 'failed' in answer ? entry.failures + 1 : 0
    if ('adapter' in answer) entry.others = isOthers(answer, entry.adapters) ? entry.others + 1 : 0
    const patient = entry.sighting.state === 'serving' && entry.failures > 0 && entry.failures < PATIENCE
    if (!patient) entry.answer = answer
    const before = entry.sighting
    entry.sighting = judge(entry)
    if (entry.sighting.state === 'serving') entry.questions = patient ? 1 : 0
    if (entry.adapters.size > 0) schedule(entry, waitOf(entry, patient))
    if (entry.sighting.state !== before.state) for (const listener of listeners) listener(entry.key)
  }

  return {
    sighting(realm) {
      const url = aboutUrl(realm, providerUrl)
      const known = watched.get(keyText(realm.metadata))
      const entry = known?.aboutUrl === url ? known : watch(realm, url)
      const serving = realm.status?.endpoints?.filter(({ state }) => state === 'Serving') ?? []
      const adapters = new Set(serving.map(({ adapter }) => adapter))
      if (sameSet(adapters, entry.adapters)) return entry.sighting
      entry.adapters = adapters
      entry.others = 0
      entry.sighting = judge(entry)
      entry.questions = 0
      if (adapters.size === 0) entry.cancel()
      else if (entry.sighting.state !== 'serving') schedule(entry, 0)
      return entry.sighting
    },
    forget({ metadata }) {
      const entry = watched.get(keyText(metadata))
      if (!entry) return
      entry.cancel()
      watched.delete(keyText(metadata))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const { cancel } of watched.values()) cancel()
      watched.clear()
      listeners.clear()
    },
  }
}

function answerOf(fetched: Fetched): NonNullable<Watched['answer']> {
  if (!fetched.ok) return { failed: fetched.reason }
  if (fetched.status === 404) return { adapter: undefined }
  if (fetched.status !== 200) return { failed: `answered ${fetched.status}` }
  const { comms } = (fetched.body ?? {}) as { comms?: { adapter?: unknown } }
  return { adapter: typeof comms?.adapter === 'string' ? comms.adapter : undefined }
}

const isOthers = ({ adapter }: { adapter: string | undefined }, ours: ReadonlySet<string>): boolean =>
  adapter !== undefined && !ours.has(adapter)

function judge({ answer, adapters, others, aboutUrl, sighting }: Watched): PublicationStatus {
  if (!answer) return { state: 'unknown', aboutUrl }
  if ('failed' in answer) {
    // The first reason stands for as long as it lasts: reasons that take turns would be news without being new.
    return sighting.state === 'unreachable' ? sighting : { state: 'unreachable', aboutUrl, message: answer.failed }
  }
  if (answer.adapter === undefined) return { state: 'absent', aboutUrl }
  if (adapters.has(answer.adapter)) return { state: 'serving', aboutUrl }
  return others >= TAKEN_AFTER ? { state: 'taken', aboutUrl, adapter: answer.adapter } : { state: 'absent', aboutUrl }
}

function waitOf({ sighting, questions }: Watched, patient: boolean): number {
  if (patient) return LAST_WAIT_MS
  if (sighting.state === 'serving') return REST_MS
  return questions > EAGER_QUESTIONS ? LATE_WAIT_MS : Math.min(FIRST_WAIT_MS * 2 ** (questions - 1), LAST_WAIT_MS)
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item))
