import type { Realm } from '../../../crds/realm.ts'
import { serviceHost } from '../naming.ts'
import { SECRETS_FOLDER } from './pod.ts'
import { gatekeeperPaths, MAX_SLOTS, realmPaths, type ServicePaths } from './realm-paths.ts'

/** Where the proxy listens: its Service leads players to the first two, the kubelet asks the third. */
export const PROXY_PORTS = { http: 8080, https: 8443, ready: 8081 } as const

/** How TLS of the proxy ends: at it, with the certificate of a Secret; in front of it, at the load balancer; or nowhere. */
export interface ProxyTls {
  realm: { secret: string } | 'Terminated' | undefined
  gatekeeperHosts: { secret: string } | 'Terminated' | undefined
}

/** Where TLS of a realm and of the further hosts of its gatekeeper ends. */
export function proxyTls({ spec: { exposure, gatekeeper } }: Realm): ProxyTls {
  const of = (secret: string | undefined) => (exposure.tls === 'Terminated' ? 'Terminated' : secret ? { secret } : undefined)
  return { realm: of(exposure.tlsSecretName), gatekeeperHosts: of(gatekeeper.tlsSecretName) }
}

/**
 * The configuration of the nginx behind the load balancer of a realm: the routes that an Ingress would have. It has those of all slots there may
 * ever be, so that a raised `cells.max` does not change it. Services are looked up when a request needs them: one that does not exist
 * keeps nginx from nothing else. The program of the proxy puts in what depends on the pod: `@RESOLVERS@`, `@STATE@`.
 */
export function proxyConfig(realm: Realm, clusterDomain: string, gatekeeperHosts: readonly string[]): string {
  const tls = proxyTls(realm)
  const paths = realmPaths({ ...realm, spec: { ...realm.spec, cells: { ...realm.spec.cells, max: MAX_SLOTS } } })
  const routes = (services: readonly ServicePaths[]) => services.flatMap((each) => locations(realm, each, clusterDomain))
  const ofRealm = routes([...paths.slots.flat(), ...paths.services])
  const { host } = realm.spec.exposure
  const servers = [
    ...serversOf({ names: host && tls.realm ? [host] : [], isDefault: true, tls: tls.realm, routes: ofRealm }),
    ...(gatekeeperHosts.length > 0
      ? serversOf({ names: gatekeeperHosts, tls: tls.gatekeeperHosts, routes: routes([gatekeeperPaths(realm)]) })
      : []),
    // A certificate of the further hosts alone, and a client that asks for another host.
    ...(gatekeeperHosts.length > 0 && tls.gatekeeperHosts && !tls.realm ? refusing(tls.gatekeeperHosts) : []),
  ]
  return `${MAIN}${block('http', [...HTTP, ...servers, ...READINESS]).join('\n')}\n`
}

interface Server {
  names: readonly string[]
  /** Whether it answers for all names that no other one has. */
  isDefault?: boolean
  tls: ProxyTls['realm']
  routes: readonly string[]
}

/** With a certificate, requests without TLS are sent to where it is. */
function serversOf({ names, isDefault = false, tls, routes }: Server): string[] {
  const named = !isDefault && names.length > 0 ? [`server_name ${names.join(' ')};`] : []
  const listen = (port: number, ssl = false) => listening(port, { isDefault, ssl })
  const routed = [...SAFE_PATHS, ...routes, 'location / { return 404; }']
  if (tls === undefined) return block('server', [...listen(PROXY_PORTS.http), ...named, ...routed])
  if (tls === 'Terminated')
    return block('server', [...listen(PROXY_PORTS.http), ...listen(PROXY_PORTS.https), ...named, ...routed])
  // Not to the host that a client claims to ask.
  const redirects = (isDefault ? [names] : names.map((name) => [name])).flatMap(([name = '']) =>
    block('server', [
      ...listen(PROXY_PORTS.http),
      ...(isDefault ? [] : [`server_name ${name};`]),
      `location / { return 308 https://${name}$request_uri; }`,
    ]),
  )
  return [
    ...redirects,
    ...block('server', [...listen(PROXY_PORTS.https, true), ...named, ...certificateOf(tls.secret), ...routed]),
  ]
}

const refusing = (tls: NonNullable<ProxyTls['realm']>): string[] =>
  tls === 'Terminated'
    ? []
    : block('server', [
        ...listening(PROXY_PORTS.https, { isDefault: true, ssl: true }),
        ...certificateOf(tls.secret),
        'return 404;',
      ])

/** Where a certificate of a Secret is mounted. */
export const certificateFolder = (secret: string): string => `${SECRETS_FOLDER}/${secret}`

const certificateOf = (secret: string): string[] => [
  `ssl_certificate ${certificateFolder(secret)}/tls.crt;`,
  `ssl_certificate_key ${certificateFolder(secret)}/tls.key;`,
]

/** Each worker has a queue of its own, so that all have about as many sockets. The program leaves out IPv6 where a node has none. */
const listening = (port: number, { isDefault, ssl }: { isDefault: boolean; ssl: boolean }): string[] =>
  ['0.0.0.0', '[::]'].map((address) => {
    const options = isDefault ? ' default_server reuseport so_keepalive=60s:10s:6' : ''
    return `listen ${address}:${port}${ssl ? ' ssl' : ''}${options};`
  })

/** The path itself and what is below it, as with an Ingress. With a variable, the name is looked up for each request that needs it. */
function locations({ metadata }: Realm, { service, port = 80, paths }: ServicePaths, clusterDomain: string): string[] {
  const to = `proxy_pass http://${serviceHost(service, metadata.namespace, clusterDomain)}:${port}$request_uri;`
  return paths.flatMap((path) => [`location = ${path} { ${to} }`, `location ${path}/ { ${to} }`])
}

const block = (name: string, lines: readonly string[]): string[] => [`${name} {`, ...lines.map((line) => `  ${line}`), '}']

const MAIN = `# The operator writes this file, and a change of it is overwritten: it follows from spec.exposure of the Realm.
worker_processes 4;
worker_rlimit_nofile 65536;
pid @STATE@/nginx.pid;
events {
  worker_connections 16384;
}
`

/** How long it waits for a server, in seconds: a connector sends nothing to a player who stands still (see ingress-defaults.ts). */
const VISIT_SECONDS = 86_400

const HTTP = [
  ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path @STATE@/${name};`),
  // Names are looked up again after this time: those of Services keep their addresses.
  'resolver @RESOLVERS@ valid=10s;',
  'resolver_timeout 5s;',
  'access_log off;',
  'server_tokens off;',
  // The longest name of a host.
  'server_names_hash_bucket_size 512;',
  'default_type text/plain;',
  // Otherwise a path such as //gatekeeper/metrics fits a route, and is another one to the service.
  'merge_slashes off;',
  'client_header_timeout 10s;',
  'client_body_timeout 30s;',
  'keepalive_timeout 75s;',
  'client_max_body_size 1m;',
  'proxy_http_version 1.1;',
  'proxy_connect_timeout 5s;',
  `proxy_read_timeout ${VISIT_SECONDS}s;`,
  `proxy_send_timeout ${VISIT_SECONDS}s;`,
  'proxy_buffer_size 8k;',
  'proxy_max_temp_file_size 0;',
  'proxy_socket_keepalive on;',
  ...block('map $http_upgrade $connection_upgrade', ["'' '';", 'default upgrade;']),
  'proxy_set_header Host $http_host;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection $connection_upgrade;',
  'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  'ssl_protocols TLSv1.2 TLSv1.3;',
  'ssl_session_cache shared:tls:10m;',
  // Of each socket. What a player gets at once is mostly a short message.
  'ssl_buffer_size 4k;',
  // A service could read a path with /../ as another one than the route that it fits.
  ...block('map $request_uri $has_dot_segment', [
    'default 0;',
    String.raw`"~*^[^?]*(?:[/\x5c]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\x5c?]|%2f|%5c|$)" 1;`,
  ]),
]

const SAFE_PATHS = ['if ($has_dot_segment) { return 400; }']

/** At a port that no Service leads to. */
const READINESS = block('server', [
  `listen 0.0.0.0:${PROXY_PORTS.ready};`,
  `listen [::]:${PROXY_PORTS.ready};`,
  'location = /ready { return 200; }',
  'location / { return 404; }',
])
