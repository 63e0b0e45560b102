import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { Listeners } from '../../chassis/listeners.ts'
import { type PublishedRealm, publishedRealm } from '../core/published-realm.ts'
import { factsOf, type RealmFacts } from '../core/realm-facts.ts'
import type { RealmSource } from './realm-source.ts'

/** Realms that code in the same process sets. */
export interface LocalSource extends RealmSource {
  /** Adds a Realm, or replaces it. */
  set(realm: Realm): void
  remove(key: ObjectKey): void
}

/** A source without an API server: for `realmctl up`, where one process holds everything, and for tests. */
export function createLocalSource(): LocalSource {
  const realms = new Map<string, PublishedRealm>()
  const facts = new Map<string, RealmFacts>()
  const listeners = new Listeners()
  return {
    set(realm) {
      const published = publishedRealm(realm)
      facts.set(keyText(realm.metadata), factsOf(realm))
      if (published) realms.set(keyText(realm.metadata), published)
      else realms.delete(keyText(realm.metadata))
      listeners.notify()
    },
    remove(key) {
      facts.delete(keyText(key))
      if (realms.delete(keyText(key))) listeners.notify()
    },
    realms: () => [...realms.values()],
    facts: () => [...facts.values()],
    ready: () => true,
    onChange: (listener) => listeners.add(listener),
    stop: async () => listeners.clear(),
  }
}
