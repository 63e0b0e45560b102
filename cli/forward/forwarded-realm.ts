import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { isGuest } from '../../crds/world.ts'
import { mediaPorts } from '../../operator/desired/livekit-media.ts'
import { realmPaths } from '../../operator/desired/manifests/realm-paths.ts'
import { gatekeeperName, partName } from '../../operator/desired/naming.ts'
import type { ServicePort } from './service-pods.ts'

/** What of the bytes is changed on the way: nothing, addresses in JSON, those in `/about`, rooms of players, or candidates for media. */
export type Content = 'any' | 'json' | 'about' | 'player' | 'signalling'

/** Where a request leads. */
export interface Destination {
  to: ServicePort
  /** Path and query. */
  target: string
  content: Content
}

/** The realm provider of the installation, as far as it was seen. */
export type Provider = Pick<ServicePort, 'namespace' | 'service'> | undefined

/** A realm as it is shown on this machine. */
export interface ForwardedRealm {
  realm: Realm
  provider: Provider
}

const OF_PROVIDER = /^\/(?:about|scenes|content|lambdas)(?:\/|$)/

/** Whether the realm has a LiveKit of its own that is reached inside the cluster only. */
export const isLivekitForwarded = (realm: Realm): boolean =>
  realm.spec.livekit.type === 'Managed' && mediaPorts(realm) === undefined

/**
 * Where a request of a client leads: as at the realm's own host, and also below the name of the realm, as at a realm provider.
 *
 * @param target path and query
 */
export function destinationOf({ realm, provider }: ForwardedRealm, target: string): Destination | undefined {
  const { namespace } = realm.metadata
  const below = `/${encodeURIComponent(realmNameOf(realm))}`
  const [pathname = ''] = target.split('?', 1)
  const isBelow = pathname === below || pathname.startsWith(`${below}/`)
  const [path, rest] = isBelow ? [pathname.slice(below.length), target.slice(below.length)] : [pathname, target]
  const at = (service: string, content: Content, its = rest): Destination => ({
    to: { namespace, service, port: 'http' },
    target: its,
    content,
  })
  if (/^\/rtc(?:\/|$)/.test(path)) return isLivekitForwarded(realm) ? at(partName(realm, 'livekit'), 'signalling') : undefined
  const content = contentOf(path)
  // The gatekeeper that serves a guest passes requests on for its own world only.
  if (OF_PROVIDER.test(path) && isGuest(realm))
    return provider && { to: { ...provider, port: 'http' }, target: `${below}${rest}`, content }
  if (/^\/console(?:\/|$)/.test(path)) return provider && { to: { ...provider, port: 'http' }, target: rest, content }
  const { slots, services } = realmPaths(realm)
  const all = [...slots.flat(), ...services].flatMap(({ service, paths }) => paths.map((prefix) => ({ service, prefix })))
  const [found] = all
    .filter(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length)
  if (!found) return undefined
  // A guest has no gatekeeper of its own.
  return at(found.service === partName(realm, 'gatekeeper') ? gatekeeperName(realm) : found.service, content)
}

function contentOf(path: string): Content {
  if (path === '/about') return 'about'
  if (/^\/cells\/\d+\/ws$/.test(path)) return 'player'
  return /^\/gatekeeper\/(?!rooms\/)/.test(path) ? 'json' : 'any'
}
