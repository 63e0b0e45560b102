import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest } from '../../../crds/world.ts'
import { type Hosting, hostingOf } from '../../desired/hosted-worlds.ts'
import type { Declared } from './declared.ts'
import { Index } from './index-by.ts'

/** Worlds by the realm whose gatekeeper they use. */
export class WorldIndex {
  readonly #guests = new Index<Realm>(({ metadata }) => keyText(metadata))
  /** What each host serves, as computed last: a thousand guests ask for it one after the other. */
  readonly #hostings = new Map<string, { of: Realm; hosting: Hosting | undefined }>()

  /** Returns the realms whose gatekeepers serve other worlds than before. Changes of a status are none of them. */
  update({ type, object, previous }: CollectionChange<Declared<Realm>>): ObjectKey[] {
    const [was, is] = [previous && hostOf(previous.object), hostOf(object.object)]
    const hasChanged = type === 'removed' || !previous || !sameSpec(previous.object, object.object)
    if (was && keyText(was) !== (is && keyText(is))) this.#guests.remove(keyText(was), object.object)
    if (is && type === 'removed') this.#guests.remove(keyText(is), object.object)
    else if (is) this.#guests.put(keyText(is), object.object)
    if (!hasChanged) return []
    this.#hostings.delete(keyText(object.object.metadata))
    const hosts = [was, is].filter((host) => host !== undefined)
    for (const host of hosts) this.#hostings.delete(keyText(host))
    return hosts
  }

  /** Worlds that name a realm in `world.gatekeeperOf`. */
  guestsOf(host: ObjectKey): Realm[] {
    return this.#guests.in(keyText(host))
  }

  /** What the gatekeeper of a realm serves. */
  hostingOf(host: Realm): Hosting | undefined {
    const key = keyText(host.metadata)
    const known = this.#hostings.get(key)
    if (known && sameSpec(known.of, host)) return known.hosting
    const hosting = hostingOf(host, this.guestsOf(host.metadata))
    this.#hostings.set(key, { of: host, hosting })
    return hosting
  }
}

const hostOf = (realm: Realm): ObjectKey | undefined =>
  isGuest(realm) ? { namespace: realm.metadata.namespace, name: gatekeeperRealmOf(realm) } : undefined

const sameSpec = (a: Realm, b: Realm): boolean =>
  a.metadata.uid === b.metadata.uid &&
  a.metadata.generation === b.metadata.generation &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp
