import { PRIVATE_NETWORKS } from '../../cells/chassis/private-networks.ts'
import type { RelayAddress } from '../../cells/wire/relay-address.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { type CommsCellSpec, type Realm, realmNameOf } from '../../crds/realm.ts'
import { gatekeeperRealmOf, isWorldRealm } from '../../crds/world.ts'
import type { BusUser } from './bus-users.ts'
import { isSignallingRouted } from './livekit-media.ts'
import { gatekeeperName, natsSecretName, partName, serviceHost } from './naming.ts'
import { clusterUrls, hostUrl, type RealmUrls, urlsBelow } from './urls.ts'

/**
 * What planning must know of the place where realms run: the same Realm has other URLs and another bus in a cluster than on a laptop.
 */
export interface Site {
  urls(realm: Realm): RealmUrls
  /**
   * URL of the statistics of a realm as the operator reaches them, which may differ from the players' one; of a world, that of the
   * gatekeeper that serves it. Without a slash at the end.
   */
  statsUrl(realm: Realm): string
  /** URL of the gatekeeper of a realm as its connectors reach it; without a slash at the end. */
  gatekeeperUrl(realm: Realm): string
  /** NATS of a realm, with the credentials of one of its users; undefined where the realm's services share one process. */
  nats(realm: Realm, user: BusUser): CommsCellSpec['nats']
  /** LiveKit of a realm; undefined where its cells have rooms of their own. */
  livekit(realm: Realm): CommsCellSpec['livekit']
  /** URL of a Managed LiveKit as the realm's pods reach it, where players reach it at another one. */
  livekitApiUrl(realm: Realm): string | undefined
  /** The proxies in front of a realm, and the limit per address of its players; undefined = no proxy, and the default limit. */
  exposure(realm: Realm): CommsCellSpec['exposure']
  /** Base URL of the realm provider as the services of realms reach it; undefined where the address of a realm leads to it already. */
  providerUrl: string | undefined
  /** The movement relay of the installation, as explorers reach it; undefined = there is none. */
  movement: RelayAddress | undefined
  /** Where connectors report their sessions to that relay; undefined = they do not, or do it within one process. */
  sessionReports?: SessionReportsSite | undefined
  /** Whether a cell is several processes, which need a bus, instead of one that is changed in place. */
  distributed: boolean
  /** How long the realm provider and the routes take to follow a status the operator wrote, in milliseconds. */
  propagationMs: number
}

/** Where the movement relay of the installation takes reports, and by which key it knows the tokens of realms. */
export interface SessionReportsSite {
  /** Without a slash at the end. */
  url: string
  keyId: string
}

/** What a cluster has beside its realms. */
export interface ClusterServices {
  movement?: RelayAddress | undefined
  sessionReports?: SessionReportsSite | undefined
  /** Base URL of the realm provider as pods reach it, where that is another one than the operator asks. */
  providerUrl?: string | undefined
}

/** A Kubernetes cluster. */
export const clusterSite = (
  clusterDomain: string,
  providerUrl: string,
  { movement, sessionReports, providerUrl: providerForPods = providerUrl }: ClusterServices = {},
): Site => ({
  urls: (realm) => clusterUrls(realm, clusterDomain, providerUrl, providerForPods),
  statsUrl: (realm) =>
    isWorldRealm(realm)
      ? `http://${serviceHost(gatekeeperName(realm), realm.metadata.namespace, clusterDomain)}`
      : `http://${serviceHost(partName(realm, 'stats'), realm.metadata.namespace, clusterDomain)}/stats`,
  gatekeeperUrl: (realm) => `http://${serviceHost(partName(realm, 'gatekeeper'), realm.metadata.namespace, clusterDomain)}`,
  nats: (realm, user) => clusterNats(realm, user, clusterDomain),
  livekit: (realm) => clusterLivekit(realm, clusterDomain),
  livekitApiUrl: (realm) => {
    const inside = managedLivekitUrl(realm, clusterDomain)
    return realm.spec.livekit.type === 'Managed' && clusterLivekit(realm, clusterDomain)?.url !== inside ? inside : undefined
  },
  exposure: (realm) => cellExposure(realm, realm.spec.exposure.type === 'None' ? undefined : [...PRIVATE_NETWORKS]),
  providerUrl: providerForPods,
  movement,
  sessionReports,
  distributed: true,
  propagationMs: 3_000,
})

function clusterNats(realm: Realm, user: BusUser, clusterDomain: string): CommsCellSpec['nats'] {
  if (isWorldRealm(realm)) return undefined
  const { type, urls = [], credentials, caSecretName } = realm.spec.nats
  if (type === 'External') return { urls, ...(credentials && { credentials }), ...(caSecretName && { caSecretName }) }
  const name = partName(realm, 'nats')
  return {
    urls: [`nats://${serviceHost(name, realm.metadata.namespace, clusterDomain)}:4222`],
    credentials: { secretName: natsSecretName(realm.metadata.name), user },
  }
}

function clusterLivekit(realm: Realm, clusterDomain: string): CommsCellSpec['livekit'] {
  const { type, url, credentials } = realm.spec.livekit
  if (type === 'External' && url && credentials) return { url, credentials }
  if (type !== 'Managed') return undefined
  const atHost = isSignallingRouted(realm) ? hostUrl(realm.spec.exposure, 'ws') : undefined
  return {
    url: url ?? atHost ?? managedLivekitUrl(realm, clusterDomain),
    credentials: { secretName: partName(realm, 'livekit') },
  }
}

const managedLivekitUrl = (realm: Realm, clusterDomain: string): string =>
  `ws://${serviceHost(partName(realm, 'livekit'), realm.metadata.namespace, clusterDomain)}:7880`

/** What cells need of the exposure of a realm; `cidrs` = the proxies in front of it where it names none. */
function cellExposure({ spec }: Realm, cidrs?: string[]): CommsCellSpec['exposure'] {
  const { trustedProxies, maxConnectionsPerAddress } = spec.exposure
  const proxies = { ...(cidrs && { cidrs }), ...trustedProxies }
  if (Object.keys(proxies).length === 0 && maxConnectionsPerAddress === undefined) return undefined
  return {
    ...(Object.keys(proxies).length > 0 && { trustedProxies: proxies }),
    ...(maxConnectionsPerAddress !== undefined && { maxConnectionsPerAddress }),
  }
}

/** What a laptop knows of its realms. URLs are without a slash at the end. */
interface LaptopSiteOptions {
  /** Base URL for players: realms are below it by their names, and the realm provider answers at it. */
  publicUrl: string
  /** Base URL at which this process itself reaches the same port. */
  localUrl: string
  /** The LiveKit chosen for a realm on this machine, whatever its spec says; undefined: its cells have rooms of their own. */
  livekit(realm: Realm): CommsCellSpec['livekit']
  /** A Realm of this machine, whose gatekeeper a world may name; by default none is found. */
  realm?(key: ObjectKey): Realm | undefined
  movement?: RelayAddress
}

/** One process on a laptop: all realms behind one port, without a broker. */
export const laptopSite = ({ publicUrl, localUrl, livekit, movement, ...cluster }: LaptopSiteOptions): Site => ({
  urls: (realm) => urlsBelow(realm, `${publicUrl}/${realmNameOf(realm)}`, publicUrl),
  statsUrl(realm) {
    if (!isWorldRealm(realm)) return `${localUrl}/${realmNameOf(realm)}/stats`
    const host = cluster.realm?.({ namespace: realm.metadata.namespace, name: gatekeeperRealmOf(realm) }) ?? realm
    return `${localUrl}/${realmNameOf(host)}/gatekeeper`
  },
  gatekeeperUrl: (realm) => `${localUrl}/${realmNameOf(realm)}/gatekeeper`,
  nats: () => undefined,
  livekit,
  livekitApiUrl: () => undefined,
  exposure: (realm) => cellExposure(realm),
  providerUrl: undefined,
  movement,
  distributed: false,
  // The provider in the same process follows at once; the time is for players who have just read an endpoint, to connect to it.
  propagationMs: 500,
})
