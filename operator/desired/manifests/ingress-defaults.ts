import type { RealmPaths } from './realm-paths.ts'

/**
 * How long a proxy may wait for something from the server, in seconds. A connector sends nothing to a player who stands still and sends
 * heartbeats, so that whatever counts in that direction alone has to be longer than a visit.
 */
const VISIT_SECONDS = 86_400
/** The longest that an Application Load Balancer takes; it counts both directions, and players send heartbeats. */
const ALB_SECONDS = 4000

/**
 * What each Ingress controller needs to keep the sockets of players open, as annotations. All of them are on every Ingress: a controller reads
 * its own prefix only, and the operator knows the name of a class, not what serves it. Controllers that are not here need none, or cannot be told
 * by an annotation of an Ingress (docs/networking.md).
 */
export function ingressDefaults({ slots, services }: RealmPaths): Record<string, string> {
  // LiveKit's signalling is a WebSocket in any realm.
  const withSockets = services.filter(({ port }) => port !== undefined)
  const all = slots.length > 0 ? [...slots.flat(), ...withSockets] : services
  const paths = all.flatMap((each) => each.paths).join()
  return {
    // Its default of 60 s counts both directions of a WebSocket (e2e/ingress-timeouts.test.ts), and a silent client is pinged later.
    'nginx.ingress.kubernetes.io/proxy-read-timeout': String(VISIT_SECONDS),
    'nginx.ingress.kubernetes.io/proxy-send-timeout': String(VISIT_SECONDS),
    // That of NGINX Inc. upgrades connections to the named Services only.
    'nginx.org/websocket-services': all.map(({ service }) => service).join(),
    'nginx.org/proxy-read-timeout': `${VISIT_SECONDS}s`,
    'nginx.org/proxy-send-timeout': `${VISIT_SECONDS}s`,
    // Contour upgrades connections at the named paths only.
    'projectcontour.io/websocket-routes': paths,
    'projectcontour.io/response-timeout': 'infinity',
    // The Services have no node port, and no service answers at the path / that it asks otherwise.
    'alb.ingress.kubernetes.io/target-type': 'ip',
    'alb.ingress.kubernetes.io/healthcheck-path': '/health/ready',
    'alb.ingress.kubernetes.io/load-balancer-attributes': `idle_timeout.timeout_seconds=${ALB_SECONDS}`,
  }
}
