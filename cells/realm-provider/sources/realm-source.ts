import type { PublishedRealm } from '../core/published-realm.ts'

/** Where realms are known from. Whatever happens to it, it keeps telling what it last knew. */
export interface RealmSource {
  /** Every realm that is to be told of; several may claim one name. */
  realms(): readonly PublishedRealm[]
  /** Whether `realms` is complete, or once was. */
  ready(): boolean
  /** Tells that `realms` changed; the returned function ends it. */
  onChange(listener: () => void): () => void
  stop(): Promise<void>
}

/** Several sources as one. */
export const joinSources = (...sources: readonly RealmSource[]): RealmSource => ({
  realms: () => sources.flatMap((source) => source.realms()),
  ready: () => sources.every((source) => source.ready()),
  onChange(listener) {
    const endings = sources.map((source) => source.onChange(listener))
    return () => {
      for (const end of endings) end()
    }
  },
  stop: async () => {
    await Promise.all(sources.map((source) => source.stop()))
  },
})
