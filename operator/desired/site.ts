import type { CommsCellSpec, Realm } from '../../crds/realm.ts'
import type { BusUser } from './bus-users.ts'
import { natsSecretName, partName, serviceHost } from './naming.ts'
import { clusterUrls, type RealmUrls, urlsBelow } from './urls.ts'

/**
 * Where realms run, as far as planning must know: the same Realm is reached at other URLs and through another bus in a cluster
 * than on a laptop.
 */
export interface Site {
  urls(realm: Realm): RealmUrls
  /** The statistics of a realm as the operator reaches them, however players do; without a slash at the end. */
  statsUrl(realm: Realm): string
  /** The bus of the realm, as one of its users finds it; nothing where its cells share one process. */
  nats(realm: Realm, user: BusUser): CommsCellSpec['nats']
  /** The LiveKit of the realm; nothing where its cells have rooms of their own. */
  livekit(realm: Realm): CommsCellSpec['livekit']
  /** Whether a cell is several processes, and so cannot do without a bus. */
  distributed: boolean
  /** How long it takes until everybody who asks is told what we last published, in milliseconds. */
  propagationMs: number
}

/** A Kubernetes cluster. */
export const clusterSite = (clusterDomain: string, providerUrl: string): Site => ({
  urls: (realm) => clusterUrls(realm, clusterDomain, providerUrl),
  statsUrl: (realm) => `http://${serviceHost(partName(realm, 'stats'), realm.metadata.namespace, clusterDomain)}/stats`,
  nats: (realm, user) => clusterNats(realm, user, clusterDomain),
  livekit: (realm) => clusterLivekit(realm, clusterDomain),
  distributed: true,
  propagationMs: 3_000,
})

function clusterNats(realm: Realm, user: BusUser, clusterDomain: string): CommsCellSpec['nats'] {
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
  const name = partName(realm, 'livekit')
  return {
    url: url ?? `ws://${serviceHost(name, realm.metadata.namespace, clusterDomain)}:7880`,
    credentials: { secretName: name },
  }
}

/** What a laptop gives its realms. */
export interface LaptopOptions {
  /** Base URL of a realm, `http://127.0.0.1:3000` or a path below it. */
  baseUrl: (realm: Realm) => string
  /** Base URL of the realm provider. */
  providerUrl: string
  /** The LiveKit found on this machine, whatever the realm declares; without one cells have rooms of their own. */
  livekit: CommsCellSpec['livekit']
}

/** One process on a laptop: everything behind one port, no broker. */
export const laptopSite = ({ baseUrl, providerUrl, livekit }: LaptopOptions): Site => ({
  urls: (realm) => urlsBelow(realm, baseUrl(realm), providerUrl),
  statsUrl: (realm) => urlsBelow(realm, baseUrl(realm), providerUrl).stats,
  nats: () => undefined,
  livekit: () => livekit,
  distributed: false,
  propagationMs: 500,
})
