import { type Location, nearestTo } from './location.ts'
import { byAge, hasEndpoints, type PublishedRealm } from './published-realm.ts'
import { highestRanked } from './rendezvous.ts'

/**
 * The realms that are served under each name, the one that has it first. Usually that is one: of several the oldest, so that a new
 * Realm never takes over a name, not even while the oldest one has no endpoint. Realms of several clusters are served together where
 * all of them share the name; of one cluster, whose tenants are strangers, only one is.
 */
export function membersByName(realms: readonly PublishedRealm[]): ReadonlyMap<string, readonly PublishedRealm[]> {
  const byName = new Map<string, PublishedRealm[]>()
  for (const realm of [...realms].sort(byAge)) {
    const members = byName.get(realm.realmName)
    if (!members) byName.set(realm.realmName, [realm])
    else if (mayJoin(realm, members)) members.push(realm)
  }
  return new Map([...byName].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

const mayJoin = (realm: PublishedRealm, members: readonly PublishedRealm[]): boolean =>
  realm.isShared === true &&
  members.every(({ isShared }) => isShared === true) &&
  (realm.isRemote === true || members.every(({ isRemote }) => isRemote === true))

/** What a choice among the clusters of a name depends on. */
export interface MemberPreference {
  /** Uid of a Realm, with which its operator asks for its own. */
  publisher?: string | null
  /** Where the player is, if that is known. */
  location?: Location | undefined
  /** Tells visitors apart: of several that are equally near, the same visitor gets the same one. */
  visitor?: string
  hasRoom: (realm: PublishedRealm) => boolean
}

/**
 * The realm for a player among those of one name: the nearest that is healthy and has room, else one that is healthy, else one that has
 * endpoints at all.
 */
export function chooseMember(
  members: readonly PublishedRealm[],
  { publisher, location, visitor = '', hasRoom }: MemberPreference,
): { realm: PublishedRealm | undefined; isPersonal: boolean } {
  const named = publisher ? members.find(({ uid }) => uid === publisher) : undefined
  const [only] = members
  if (named || members.length < 2) return { realm: named ?? only, isPersonal: false }
  const healthy = members.filter((realm) => hasEndpoints(realm) && realm.healthy)
  const able = [healthy.filter(hasRoom), healthy, members.filter(hasEndpoints), members].find(({ length }) => length > 0) ?? []
  const near = location ? nearestTo(location, able, (realm) => realm.location) : able
  return { realm: highestRanked(near, visitor, ({ key }) => `${key.namespace}/${key.name}`), isPersonal: near.length > 1 }
}
