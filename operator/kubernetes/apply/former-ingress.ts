import type { HttpRoute } from '../../desired/manifests/http-route.ts'
import type { KubeManifest } from '../../desired/manifests/kube-manifest.ts'
import type { Cache } from '../cache/cache.ts'
import type { Child } from '../cache/child.ts'

/**
 * Tells which Ingresses a realm still needs that has changed to a Gateway: those whose hosts are all in HTTPRoutes, of which the controller
 * does not serve each yet. Sockets through such an Ingress end once their players can come back by the Gateway; until then, a wrong
 * `exposure.gateway` takes no realm off the net. The other way round there is nothing to wait for, because many controllers answer for no Ingress.
 */
export function isFormerIngress(cache: Pick<Cache, 'child'>, manifests: readonly KubeManifest[]): (child: Child) => boolean {
  const routes = manifests.filter((manifest): manifest is HttpRoute => manifest.kind === 'HTTPRoute')
  const isServed = ({ metadata }: HttpRoute) => cache.child({ kind: 'HTTPRoute', ...metadata })?.route?.state === 'accepted'
  return ({ hosts = [] }) => {
    const successors = routes.filter(({ spec }) => spec.hostnames.some((host) => hosts.includes(host)))
    // Another realm may have a host that this one has given up.
    const isOfRealm = hosts.every((host) => successors.some(({ spec }) => spec.hostnames.includes(host)))
    return isOfRealm && !successors.every(isServed)
  }
}
