import { problemsOfRealm, type ShownProblem, worstFirst } from '../core/problems.ts'
import { ObservedSince } from './observed-since.ts'
import type { ConsoleSources } from './sources.ts'

const MAX_PROBLEMS = 300
/** Statistics that are restarted are silent for a moment. */
const SILENT_MS = 15_000

/** Everything that is wrong, as far as the realm provider knows. */
export class ProblemList {
  readonly #sources: ConsoleSources
  readonly #observed = new ObservedSince()

  constructor(sources: ConsoleSources) {
    this.#sources = sources
  }

  /** To be called regularly: the provider says itself since when it sees what no condition tells of. */
  list(): { problems: ShownProblem[]; more: number } {
    const { facts } = this.#sources
    const found = [...facts().flatMap(problemsOfRealm), ...this.#ofMaps(), ...this.#ofCatalysts(), ...this.#ofServices()]
    this.#observed.endRound()
    const sorted = found.sort(worstFirst)
    return { problems: sorted.slice(0, MAX_PROBLEMS), more: Math.max(0, sorted.length - MAX_PROBLEMS) }
  }

  #ofMaps(): ShownProblem[] {
    const { maps, clock } = this.#sources
    return maps.all().flatMap(({ key, realm, failingSince, problem }): ShownProblem[] => {
      if (failingSince === undefined || clock.now() - failingSince < SILENT_MS) return []
      return [
        {
          id: `${key} statistics`,
          severity: 'warning',
          realm: key,
          subject: `${realm.realmName}: statistics`,
          reason: 'NoMap',
          message: `The statistics answer no map: ${problem}.`.slice(0, 300),
          since: iso(failingSince),
        },
      ]
    })
  }

  #ofCatalysts(): ShownProblem[] {
    return this.#sources.catalysts.statuses().flatMap(({ url, healthy, isSlow, wasAsked }): ShownProblem[] => {
      if (!wasAsked || (healthy && !isSlow)) return []
      const reason = healthy ? 'Slow' : 'NotHealthy'
      const message = healthy
        ? 'The catalyst answers slowly; players get others where there are some.'
        : 'The catalyst does not answer as one that takes players.'
      return [
        { id: `catalyst ${url}`, severity: 'warning', subject: url, reason, message, since: this.#since(`${url} ${reason}`) },
      ]
    })
  }

  #ofServices(): ShownProblem[] {
    return this.#sources.services.statuses().flatMap(({ url, healthy, wasAsked }): ShownProblem[] => {
      if (!wasAsked || healthy) return []
      const message = 'The service of a world does not answer with success.'
      return [{ id: `service ${url}`, severity: 'warning', subject: url, reason: 'NotHealthy', message, since: this.#since(url) }]
    })
  }

  #since(what: string): string {
    return iso(this.#observed.since(what, this.#sources.clock.now()))
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
