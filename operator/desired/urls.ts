import { type CommsCell, type Realm, realmNameOf } from '../../crds/realm.ts'
import { isGuest } from '../../crds/world.ts'
import { partName, roomsServiceName, serviceHost, slotServiceName } from './naming.ts'

/** Where a realm is reached; base URLs without a slash at the end. */
export interface RealmUrls {
  /** The base URL of a slot, `ws:` or `wss:`; the players' socket is at `{url}/ws`. */
  slot(slot: number): string
  /** Scheme `http:` or `https:`. */
  gatekeeper: string
  /** Scheme `http:` or `https:`. */
  stats: string
  /** The realm's description at the realm provider. */
  about: string
  /** The same at the host of the realm, where players do not reach the realm provider. */
  aboutAtHost?: string
}

/** The URLs of a realm that one host or one port serves, all below one base URL. */
export const urlsBelow = (realm: Realm, base: string, providerUrl: string): RealmUrls => ({
  slot: (slot) => `${base.replace(/^http/, 'ws')}/cells/${slot}`,
  gatekeeper: `${base}/gatekeeper`,
  stats: `${base}/stats`,
  about: aboutUrl(realm, providerUrl),
})

/** Whether players reach the host of a realm over TLS. */
export const hasTls = ({ tls, tlsSecretName }: Realm['spec']['exposure']): boolean =>
  tls === 'Terminated' || tlsSecretName !== undefined

/** The URL of the host of a realm, with TLS where it has that; undefined where the realm has no host. */
export const hostUrl = (exposure: Realm['spec']['exposure'], scheme: 'http' | 'ws'): string | undefined =>
  exposure.host && `${scheme}${hasTls(exposure) ? 's' : ''}://${exposure.host}`

/**
 * Where a realm is reached in a cluster: through its Ingress, through a route that the user runs, or else through its Services.
 *
 * @param insideUrl base URL of the realm provider inside the cluster; that of its players is the same where they have none
 */
export function clusterUrls(realm: Realm, clusterDomain: string, providerUrl: string, insideUrl?: string): RealmUrls {
  const { type, url } = realm.spec.exposure
  const atHost = hostUrl(realm.spec.exposure, 'http')
  const isDescribedThere = type !== 'None' && !isGuest(realm) && providerUrl === insideUrl
  if (atHost) return { ...urlsBelow(realm, atHost, providerUrl), ...(isDescribedThere && { aboutAtHost: `${atHost}/about` }) }
  if (url) return urlsBelow(realm, url, providerUrl)
  const { name, namespace } = realm.metadata
  const at = (service: string) => serviceHost(service, namespace, clusterDomain)
  return {
    slot: (slot) => `ws://${at(slotServiceName(name, slot))}/cells/${slot}`,
    gatekeeper: `http://${at(`${name}-gatekeeper`)}/gatekeeper`,
    stats: `http://${at(`${name}-stats`)}/stats`,
    about: aboutUrl(realm, providerUrl),
  }
}

/** Base URL of the gatekeeper at one of its further hosts. */
export const gatekeeperHostUrl = ({ spec }: Realm, host: string): string =>
  `${spec.gatekeeper.tlsSecretName || spec.exposure.tls === 'Terminated' ? 'https' : 'http'}://${host}`

/** The URL of a realm's description at a realm provider. */
export const aboutUrl = (realm: Realm, providerUrl: string): string => `${providerUrl}/${realmNameOf(realm)}/about`

/** The value of `comms.adapter` (comms.md §7.1). The Unity explorer accepts exactly this prefix. */
export const adapterOf = (cellUrl: string): string => `archipelago:archipelago:${cellUrl}/ws`

/** The value of `comms.adapter` of a world: explorers sign a request to this URL, and are answered with the adapter of a room (ADR-180). */
export const worldAdapter = (gatekeeperUrl: string, { metadata }: Realm): string =>
  `fixed-adapter:signed-login:${gatekeeperUrl}/worlds/${metadata.name}/comms`

/** Base URL of embedded rooms that the gatekeeper of a world serves itself. */
export const gatekeeperRoomsUrl = (gatekeeperUrl: string): string => `${gatekeeperUrl.replace(/^http/, 'ws')}/rooms`

/**
 * Base URL of the rooms of a cell without LiveKit. Behind one host, a route separates rooms from sockets by their path. A Service cannot,
 * so inside the cluster the rooms of a slot have an alias Service of their own.
 */
export function roomsUrl(realm: string, slot: number, cellUrl: string): string {
  const ofSlot = `//${slotServiceName(realm, slot)}.`
  return `${cellUrl.replace(ofSlot, `//${roomsServiceName(realm, slot)}.`)}/rooms`
}

/** The same for a cell that exists. */
export const cellRoomsUrl = ({ spec }: CommsCell): string => roomsUrl(spec.realmRef.name, spec.slot, spec.url)

/** The socket URL of exactly this cell, inside the cluster; the URL of its slot may be routed to another one. */
export const cellSocketUrl = (cell: CommsCell, clusterDomain: string): string =>
  `ws://${serviceHost(partName(cell, 'connector'), cell.metadata.namespace, clusterDomain)}/cells/${cell.spec.slot}/ws`
