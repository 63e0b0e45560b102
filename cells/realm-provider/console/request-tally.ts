import { keyText } from '../../../crds/object.ts'
import type { PublishedRealm } from '../core/published-realm.ts'

/** Requests to `/about` since the start; the rest of the provider only counts up. */
interface RequestCounts {
  answers: number
  refusals: number
}

/** Counts how players who ask for a realm are answered: with a cell, or with a refusal. */
export class RequestTally {
  readonly #byRealm = new Map<string, RequestCounts>()
  /** Also of names that no realm has. */
  readonly total: RequestCounts = { answers: 0, refusals: 0 }

  answered(realm: PublishedRealm): void {
    this.#count('answers', realm)
  }

  /** The realm is undefined where none has the name that was asked for. */
  refused(realm: PublishedRealm | undefined): void {
    this.#count('refusals', realm)
  }

  of(key: string): RequestCounts {
    return this.#byRealm.get(key) ?? { answers: 0, refusals: 0 }
  }

  /** Forgets the realms that are not served any more. */
  retain(isServed: (key: string) => boolean): void {
    for (const key of this.#byRealm.keys()) if (!isServed(key)) this.#byRealm.delete(key)
  }

  #count(what: keyof RequestCounts, realm: PublishedRealm | undefined): void {
    this.total[what]++
    if (!realm) return
    const key = keyText(realm.key)
    const counts = this.#byRealm.get(key) ?? { answers: 0, refusals: 0 }
    counts[what]++
    this.#byRealm.set(key, counts)
  }
}
