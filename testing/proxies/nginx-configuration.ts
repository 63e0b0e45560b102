import type { Ingress } from '../../operator/desired/manifests/ingress.ts'

/** Where the pods behind a Service are, `host:port` each. */
export type EndpointsOf = (service: string) => readonly string[]

/** How an nginx is set up beside its Ingresses. */
export interface NginxSettings {
  port: number
  /** How long a second of a time-out lasts, in milliseconds; 1000 by default. */
  secondMs?: number
  /** Seconds for which a worker goes on with its sockets after the configuration has changed; without end by default. */
  workerShutdownSeconds?: number | undefined
}

/** The time-outs of nginx itself, in seconds (ngx_http_proxy_module). */
const DEFAULT_SECONDS = 60
const TIMEOUTS = ['proxy-read-timeout', 'proxy-send-timeout'] as const
const PREFIX = 'nginx.ingress.kubernetes.io/'

/** The configuration of an nginx that serves these Ingresses: what ingress-nginx makes of their rules and time-outs. */
export function nginxConfiguration(
  ingresses: readonly Pick<Ingress, 'metadata' | 'spec'>[],
  endpointsOf: EndpointsOf,
  { port, secondMs = 1000, workerShutdownSeconds }: NginxSettings,
): string {
  const backends = new Map<string, string>()
  const locations = ({ metadata, spec }: Pick<Ingress, 'metadata' | 'spec'>) => {
    const timeouts = TIMEOUTS.map((name) => {
      const seconds = Number(metadata.annotations?.[PREFIX + name] ?? DEFAULT_SECONDS)
      return `${name.replaceAll('-', '_')} ${seconds * secondMs}ms;`
    }).join(' ')
    return (spec?.rules ?? []).map(({ host, http }) => {
      const paths = (http?.paths ?? []).flatMap(({ path = '/', backend }) => {
        const service = backend.service?.name ?? ''
        const addresses = endpointsOf(service)
        if (addresses.length > 0)
          backends.set(service, `upstream ${service} { ${addresses.map((address) => `server ${address};`).join(' ')} }`)
        const target = addresses.length > 0 ? `${timeouts} proxy_pass http://${service};` : 'return 503;'
        // A Prefix is one of whole elements of the path.
        return [`location = ${path} { ${target} }`, `location ${path}/ { ${target} }`]
      })
      return `server { listen 127.0.0.1:${port}; server_name ${host}; ${paths.join('\n')} }`
    })
  }
  const servers = ingresses.flatMap(locations)
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp;`)
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
${workerShutdownSeconds === undefined ? '' : `worker_shutdown_timeout ${workerShutdownSeconds * secondMs}ms;`}
events {}
http {
${folders.join('\n')}
access_log off;
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
proxy_http_version 1.1;
proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
${[...backends.values()].join('\n')}
server { listen 127.0.0.1:${port} default_server; return 404; }
${servers.join('\n')}
}
`
}
