import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { UserError } from './errors.ts'
import type { App } from './http.ts'
import type { Running } from './lifecycle.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

export interface ListenOptions {
  /** 0 = any free port, for tests. */
  port: number
  /** An address or a name of this machine, or `ALL_ADDRESSES`. */
  host: string
}

/** An HTTP server that accepts connections. */
export interface HttpListener extends Running {
  port: number
  /** `http://host:port`, with a host that this machine can connect to. */
  url: string
}

/** Every address of this machine: of IPv6 and IPv4, or of IPv4 alone where IPv6 is switched off. */
export const ALL_ADDRESSES = '::'

const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** Longer than load balancers keep an idle connection (60 s, nginx 75 s): the side that closes first must not be this one. */
const KEEP_ALIVE_MS = 80_000
const BACKLOG = 4096

/**
 * Serves an app on a port. Slow requests are cut off by Node's own deadlines; upgrades that the app does not accept get a 404.
 *
 * @throws UserError when the port is taken or not allowed, with the remedy
 */
export async function listen(app: App, { port, host }: ListenOptions): Promise<HttpListener> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => app.handle(request, response, ''),
  )
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (!app.upgrade(request, socket, head, '')) refuseUpgrade(socket, 404)
  })
  await listening(server, port, host)
  const bound = (server.address() as AddressInfo).port
  return { port: bound, url: `http://${reachableHost(host)}:${bound}`, stop: () => stopped(server) }
}

const listening = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new UserError(`port ${port} on ${host} is taken: choose another with --port`, 3))
      else if (error.code === 'EACCES') reject(new UserError(`port ${port} needs privileges: choose one above 1023`, 3))
      else reject(error)
    })
    // Without a host, Node listens on `::`, and on `0.0.0.0` where there is no IPv6.
    server.listen({ port, ...(host !== ALL_ADDRESSES && { host }), backlog: BACKLOG }, resolve)
  })

const stopped = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
    // After the services have stopped, an open connection can only be a keep-alive connection between two requests.
    setTimeout(() => server.closeAllConnections(), 500).unref()
  })

const reachableHost = (host: string): string => {
  if (host === '0.0.0.0' || host === ALL_ADDRESSES) return '127.0.0.1'
  return isIPv6(host) ? `[${host}]` : host
}
