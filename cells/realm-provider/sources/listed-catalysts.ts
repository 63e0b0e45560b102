import type { CatalystListPoller } from '../adapters/catalyst-list-poller.ts'
import { type PublishedRealm, withListedCatalysts } from '../core/published-realm.ts'
import type { RealmSource } from './realm-source.ts'

/** A source whose realms have the catalysts of their lists beside their own. */
export function withCatalystLists(source: RealmSource, lists: Pick<CatalystListPoller, 'catalystsOf' | 'onChange'>): RealmSource {
  // Answers to players are kept as long as the realm that they were made from is the same object.
  const extended = new WeakMap<PublishedRealm, { listed: readonly string[]; realm: PublishedRealm }>()
  const extend = (realm: PublishedRealm): PublishedRealm => {
    const { catalystList } = realm.content
    if (!catalystList) return realm
    const listed = lists.catalystsOf(catalystList.url)
    const before = extended.get(realm)
    if (before?.listed === listed) return before.realm
    const after = withListedCatalysts(realm, listed)
    extended.set(realm, { listed, realm: after })
    return after
  }
  return {
    realms: () => source.realms().map(extend),
    facts: () => source.facts(),
    ready: () => source.ready(),
    onChange(listener) {
      const removals = [source.onChange(listener), lists.onChange(listener)]
      return () => {
        for (const remove of removals) remove()
      }
    },
    stop: () => source.stop(),
  }
}
