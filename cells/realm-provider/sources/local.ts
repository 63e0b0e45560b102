import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { type PublishedRealm, publishedRealm } from '../core/published-realm.ts'
import type { RealmSource } from './realm-source.ts'

/** Realms somebody in the same process tells us of. */
export interface LocalSource extends RealmSource {
  /** A realm is, or is now, like this. */
  set(realm: Realm): void
  remove(key: ObjectKey): void
}

/** A source for one process that holds everything: a laptop, a test. */
export function createLocalSource(): LocalSource {
  const realms = new Map<string, PublishedRealm>()
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  return {
    set(realm) {
      const published = publishedRealm(realm)
      if (published) realms.set(keyText(realm.metadata), published)
      else realms.delete(keyText(realm.metadata))
      tell()
    },
    remove(key) {
      if (realms.delete(keyText(key))) tell()
    },
    realms: () => [...realms.values()],
    ready: () => true,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      listeners.clear()
    },
  }
}
