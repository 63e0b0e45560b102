import type { PublishedRealm } from '../core/published-realm.ts'

/** A place that realms are read from. While it is unreachable it keeps returning the realms it last knew. */
export interface RealmSource {
  /** Every realm to be published; several may claim one name. */
  realms(): readonly PublishedRealm[]
  /** Whether `realms` is complete, or was at some time. */
  ready(): boolean
  /** Calls the listener after each change of `realms`; the returned function ends that. */
  onChange(listener: () => void): () => void
  stop(): Promise<void>
}

/** One source with the realms of several. */
export const joinSources = (...sources: readonly RealmSource[]): RealmSource => ({
  realms: () => sources.flatMap((source) => source.realms()),
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
