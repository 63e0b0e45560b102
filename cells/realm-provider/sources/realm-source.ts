import type { PublishedRealm } from '../core/published-realm.ts'
import type { RealmFacts } from '../core/realm-facts.ts'

/** A place that realms are read from. While it is unreachable it keeps returning the realms it last knew. */
export interface RealmSource {
  /** Every realm to be published; several may claim one name. */
  realms(): readonly PublishedRealm[]
  /** What the console shows of every Realm, also of those that are not published. Its changes are not announced. */
  facts(): readonly RealmFacts[]
  /** Whether `realms` is complete, or was at some time. */
  ready(): boolean
  /** Calls the listener after each change of `realms`; the returned function ends that. */
  onChange(listener: () => void): () => void
  stop(): Promise<void>
}

/** One source with the realms of several. */
export const joinSources = (...sources: readonly RealmSource[]): RealmSource => ({
  realms: () => sources.flatMap((source) => source.realms()),
  facts: () => sources.flatMap((source) => source.facts()),
  ready: () => sources.every((source) => source.ready()),
  onChange(listener) {
    const removals = sources.map((source) => source.onChange(listener))
    return () => {
      for (const remove of removals) remove()
    }
  },
  stop: async () => {
    await Promise.all(sources.map((source) => source.stop()))
  },
})
