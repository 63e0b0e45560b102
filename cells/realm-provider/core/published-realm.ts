import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { PublicationDocument } from '../../../crds/publication.ts'
import { type Endpoint, type Realm, type RealmSpec, realmNameOf } from '../../../crds/realm.ts'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { Assignment } from './placement.ts'

/** A realm as far as players are told of it. */
export interface PublishedRealm {
  key: ObjectKey
  realmName: string
  /** When the Realm was created, RFC 3339; of two realms with one name the older is served. */
  createdAt: string
  /** Version of its cells. */
  version: string
  /** Whether a cell takes players now. */
  healthy: boolean
  /** The Serving ones; those that are merely not well when none serves. Never empty. */
  endpoints: readonly Endpoint[]
  /** How its players are shared out among its cells. */
  assignment: Assignment
  /** As declared, with the URLs of catalysts without a slash at the end. */
  content: RealmSpec['content']
  /** Base URL of its statistics, without a slash at the end. */
  statsUrl: string | undefined
  /** Whether it runs in another cluster and was published here. */
  isRemote?: true
}

/**
 * What players are told of a Realm; nothing when it is hibernated, going, or never had a cell that works.
 *
 * A realm all of whose cells are unwell for a moment stays listed, unhealthy: explorers keep their realm then and come back by
 * themselves, while a 404 would end it for them.
 */
export function publishedRealm(realm: Realm): PublishedRealm | undefined {
  const { metadata, spec, status } = realm
  if (metadata.deletionTimestamp || spec.cells.replicas === 0) return undefined
  const inState = (state: Endpoint['state']) => (status?.endpoints ?? []).filter((endpoint) => endpoint.state === state)
  const serving = inState('Serving')
  const endpoints = serving.length > 0 ? serving : inState('Unhealthy')
  if (endpoints.length === 0) return undefined
  return {
    key: { namespace: metadata.namespace, name: metadata.name },
    realmName: realmNameOf(realm),
    createdAt: metadata.creationTimestamp ?? '',
    version: spec.version,
    healthy: serving.length > 0,
    endpoints,
    assignment: {
      assignment: spec.cells.assignment,
      ...(spec.cells.capacity !== undefined && { capacity: spec.cells.capacity }),
    },
    content: { ...spec.content, catalysts: spec.content.catalysts.map(withoutTrailingSlash) },
    statsUrl: status?.urls?.stats && withoutTrailingSlash(status.urls.stats),
  }
}

/** What players are told of a realm elsewhere that is leased here since `createdAt`; the provider's own clock, so that no publisher can claim to be older. */
export function publishedRemoteRealm(realmName: string, document: PublicationDocument, createdAt: string): PublishedRealm {
  const { publisher, realm, version, content, statsUrl } = document
  const serving = document.endpoints.filter(({ state }) => state === 'Serving')
  return {
    // A Realm of the same name here is another one.
    key: { namespace: `${realm.namespace}@${publisher}`, name: realm.name },
    realmName,
    createdAt,
    version,
    healthy: serving.length > 0,
    endpoints: serving.length > 0 ? serving : document.endpoints,
    assignment: { assignment: 'LeastLoaded' },
    content: { ...content, catalysts: content.catalysts.map(withoutTrailingSlash) },
    statsUrl: statsUrl && withoutTrailingSlash(statsUrl),
    isRemote: true,
  }
}

/** One realm per name, by name: of several the oldest, then the first by namespace and name. A newcomer never takes a name over. */
export function realmsByName(realms: readonly PublishedRealm[]): ReadonlyMap<string, PublishedRealm> {
  const elected = new Map<string, PublishedRealm>()
  for (const realm of [...realms].sort(byAge)) if (!elected.has(realm.realmName)) elected.set(realm.realmName, realm)
  return new Map([...elected].sort(([a], [b]) => compare(a, b)))
}

const byAge = (a: PublishedRealm, b: PublishedRealm): number =>
  compare(timeOf(a), timeOf(b)) || compare(keyText(a.key), keyText(b.key))

// Without a readable date a realm counts as the newest.
const timeOf = ({ createdAt }: PublishedRealm): number => {
  const time = Date.parse(createdAt)
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time
}

const compare = <Value extends string | number>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)
