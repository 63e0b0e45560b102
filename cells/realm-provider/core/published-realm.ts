import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { assignmentOf, type PublicationDocument } from '../../../crds/publication.ts'
import { type Endpoint, type Realm, type RealmSpec, type RealmStatus, realmNameOf } from '../../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest } from '../../../crds/world.ts'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import { locationOfHost, middleOf } from './countries.ts'
import type { Location } from './location.ts'
import type { Assignment } from './placement.ts'

/** Whether players can be sent to a cell of the realm, working or not. */
export const hasEndpoints = ({ endpoints }: PublishedRealm): boolean => endpoints.length > 0

/** Why players can be sent to no cell of a realm: none is to run, none has served yet, or all are being removed. */
export type Absence = 'Hibernated' | 'Starting' | 'Draining'

/** A realm as it is published to players. */
export interface PublishedRealm {
  key: ObjectKey
  /** Which realms share one part of every limit: those of a namespace of this cluster, or of a publisher. */
  tenant: string
  realmName: string
  /** When the Realm was created, RFC 3339; of two realms with the same name the older is served. */
  createdAt: string
  /** Version of its services. */
  version: string
  /** Whether at least one cell takes players. */
  healthy: boolean
  /**
   * Endpoints in state Serving, or those in state Unhealthy when none is. Empty while the realm is hibernated or starts: it keeps
   * its name then, so that players never reach another realm under it.
   */
  endpoints: readonly Endpoint[]
  /** Why it has no endpoints, where that is so. */
  absence?: Absence
  /** How players are distributed over its cells. */
  assignment: Assignment
  /** As in the spec, but URLs of catalysts have no slash at the end. */
  content: RealmSpec['content']
  /** Those of its catalysts that come from its list and not from its spec. */
  listedCatalysts?: ReadonlySet<string>
  /** Where its catalysts are, by URL, as far as that is known. */
  catalystLocations: ReadonlyMap<string, Location>
  /** Base URL of its stats service, without a slash at the end. */
  statsUrl: string | undefined
  /** Host of its own address, with the port if it has one, and the path below which its services are there. */
  ownAddress: { host: string; path: string } | undefined
  /** Its movement relay, and how explorers are pointed at it. */
  movement?: NonNullable<RealmStatus['movement']>
  /** What it is, where it is a World. */
  world?: PublishedWorld
  /** Whether it runs in another cluster, whose operator published it here. */
  isRemote?: true
  /** Uid of its Realm. */
  uid?: string
  /** Whether realms of other clusters may be served under its name, too. */
  isShared?: boolean
  /** Where its cluster is, if that is known. */
  location?: Location | undefined
}

/** A realm in mode World. */
export interface PublishedWorld extends Pick<NonNullable<RealmSpec['world']>, 'scenes' | 'spawn'> {
  /** Its name at its gatekeeper. */
  name: string
  /** Name of the Realm whose gatekeeper serves it. */
  gatekeeperRealm: string
  /** Base URL of that gatekeeper, without a slash at the end. */
  gatekeeperUrl: string | undefined
}

/**
 * Publishes a Realm of this cluster; undefined once it is being deleted, because only that frees its name.
 *
 * A realm whose cells are all unhealthy for a moment stays published, as unhealthy: explorers then stay with the realm and
 * reconnect by themselves, while they would leave it after a 404.
 */
export function publishedRealm(realm: Realm): PublishedRealm | undefined {
  const { metadata, spec, status } = realm
  if (metadata.deletionTimestamp) return undefined
  const known = spec.cells.replicas === 0 ? [] : (status?.endpoints ?? [])
  const inState = (state: Endpoint['state']) => known.filter((endpoint) => endpoint.state === state)
  const serving = inState('Serving')
  const endpoints = serving.length > 0 ? serving : inState('Unhealthy')
  return {
    key: { namespace: metadata.namespace, name: metadata.name },
    tenant: metadata.namespace,
    realmName: realmNameOf(realm),
    createdAt: metadata.creationTimestamp ?? '',
    version: spec.version,
    healthy: serving.length > 0,
    endpoints,
    ...(endpoints.length === 0 && { absence: absenceOf(spec.cells.replicas, known) }),
    assignment: assignmentOf(spec),
    ...(spec.world && { world: publishedWorld(realm, spec.world) }),
    content: { ...spec.content, catalysts: spec.content.catalysts.map(withoutTrailingSlash) },
    catalystLocations: locationsOf(spec.content),
    statsUrl: status?.urls?.stats && withoutTrailingSlash(status.urls.stats),
    ownAddress: isGuest(realm) ? undefined : ownAddressOf(status?.urls),
    ...(status?.movement && { movement: status.movement }),
    ...(metadata.uid && { uid: metadata.uid }),
    isShared: spec.publication.shared === true,
    location: locationOf(spec.publication.location),
  }
}

type DeclaredLocation = NonNullable<RealmSpec['publication']['location']>

/** By coordinates before countries. */
const locationOf = ({ coordinates, country = '' }: DeclaredLocation = {}): Location | undefined =>
  coordinates ?? middleOf(country)

function publishedWorld(realm: Realm, { scenes, spawn }: NonNullable<RealmSpec['world']>): PublishedWorld {
  const url = realm.status?.urls?.gatekeeper
  return {
    name: realm.metadata.name,
    scenes,
    ...(spawn && { spawn }),
    gatekeeperRealm: gatekeeperRealmOf(realm),
    gatekeeperUrl: url && withoutTrailingSlash(url),
  }
}

function absenceOf(replicas: number, known: readonly Endpoint[]): Absence {
  if (replicas === 0) return 'Hibernated'
  return known.length > 0 && known.every(({ state }) => state === 'Draining') ? 'Draining' : 'Starting'
}

/** A name that a publisher leased, and what it publishes there. */
interface LeasedName {
  realmName: string
  account: string
  document: PublicationDocument
}

/**
 * Publishes a realm of another cluster.
 *
 * @param createdAt when its name was leased here, by the clock of this provider, so that no publisher can claim to be older
 */
export function publishedRemoteRealm({ realmName, account, document }: LeasedName, createdAt: string): PublishedRealm {
  const { publisher, realm, version, content, statsUrl, world, assignment = { assignment: 'LeastLoaded' } } = document
  const serving = document.endpoints.filter(({ state }) => state === 'Serving')
  return {
    // Differs from the key of a Realm of this cluster with the same name.
    key: { namespace: `${realm.namespace}@${account}:${publisher}`, name: realm.name },
    tenant: `@${account}`,
    realmName,
    createdAt,
    version,
    healthy: serving.length > 0,
    endpoints: serving.length > 0 ? serving : document.endpoints,
    assignment,
    content: { ...content, catalysts: content.catalysts.map(withoutTrailingSlash) },
    catalystLocations: locationsOf(content),
    statsUrl: statsUrl && withoutTrailingSlash(statsUrl),
    ownAddress: ownAddressOf({ stats: statsUrl }),
    ...(world && {
      world: {
        ...world,
        gatekeeperRealm: world.name,
        gatekeeperUrl: world.gatekeeperUrl && withoutTrailingSlash(world.gatekeeperUrl),
      },
    }),
    isRemote: true,
    uid: publisher,
    isShared: document.shared === true,
    location: locationOf(document.location),
  }
}

/** As many as the list of the CRD has by default. */
const DEFAULT_MAX_LISTED = 16

/** A realm with the catalysts of its list after its own. */
export function withListedCatalysts(realm: PublishedRealm, listed: readonly string[]): PublishedRealm {
  const { catalysts, catalystList } = realm.content
  const added = listed.filter((url) => !catalysts.includes(url)).slice(0, catalystList?.max ?? DEFAULT_MAX_LISTED)
  if (added.length === 0) return realm
  const content = { ...realm.content, catalysts: [...catalysts, ...added] }
  return { ...realm, content, listedCatalysts: new Set(added), catalystLocations: locationsOf(content) }
}

/** As the realm says; public catalysts are known anyway. */
function locationsOf({ catalysts, catalystLocations = [] }: RealmSpec['content']): ReadonlyMap<string, Location> {
  const declared = new Map(catalystLocations.map(({ url, ...where }) => [withoutTrailingSlash(url), where]))
  return new Map(
    catalysts.map(withoutTrailingSlash).flatMap((url) => {
      const location = locationOf(declared.get(url)) ?? locationOfHost(url)
      return location ? [[url, location]] : []
    }),
  )
}

interface ServiceUrls {
  stats?: string | undefined
  gatekeeper?: string | undefined
}

/** All services of a realm are below one address: the statistics of a City, the gatekeeper of a World. */
function ownAddressOf({ stats, gatekeeper }: ServiceUrls = {}): PublishedRealm['ownAddress'] {
  const service = stats ?? gatekeeper
  const url = service === undefined ? null : URL.parse(service)
  const [, path] = /^(.*)\/(?:stats|gatekeeper)\/*$/.exec(url?.pathname ?? '') ?? []
  return url && path !== undefined ? { host: url.host, path } : undefined
}

/** The oldest first, then by namespace and name. */
export const byAge = (a: PublishedRealm, b: PublishedRealm): number =>
  compare(timeOf(a), timeOf(b)) || compare(keyText(a.key), keyText(b.key))

// A realm without a valid date counts as the newest.
const timeOf = ({ createdAt }: PublishedRealm): number => {
  const time = Date.parse(createdAt)
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time
}

const compare = <Value extends string | number>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)
