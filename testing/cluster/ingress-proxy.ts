import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Running } from '../../cells/chassis/lifecycle.ts'

/** Returns the address of a Service, `host:port`; undefined when there is no such Service. */
export type FindService = (namespace: string, name: string, port: string) => Promise<string | undefined>

/** Where a Service is. */
export interface ServiceName {
  namespace: string
  name: string
}

/** A proxy through which explorers reach the cluster: one address for all realms. */
export interface IngressProxy extends Running {
  /** Base URL of the realm provider. */
  url: string
  /** Base URL of a realm: the value for its `exposure.url`. */
  realmUrl(namespace: string, realm: string): string
  /** Opens a port for a realm's managed LiveKit, which requires a host of its own. Returns the value for its `livekit.url`. */
  openLivekit(namespace: string, realm: string): Promise<string>
}

const TIMEOUT_MS = 30_000
/**
 * How long the address of a Service is cached: it never changes, but a Service may be deleted and created again with another one.
 */
const ADDRESS_MS = 2_000
const HTTP_PORT = 80

/**
 * Starts a proxy at an address that both this machine and the pods reach, in place of an Ingress controller and a name server.
 * It forwards paths below `/at/{namespace}/{realm}` to that realm, as a user's own route would, and all others to the provider.
 */
export async function startIngressProxy(host: string, provider: ServiceName, ask: FindService): Promise<IngressProxy> {
  const find = remembering(ask)
  const sockets = new Set<Duplex>()
  const server = createServer((incoming, answer) => {
    void forward(incoming, answer).catch(() => answer.writeHead(502).end())
  })
  const forward = async (incoming: IncomingMessage, answer: ServerResponse) => {
    const { address, path } = await target(incoming.url ?? '/')
    if (address === undefined) return void answer.writeHead(503).end('this part of the realm does not exist')
    const onward = request(
      `http://${address}${path}`,
      {
        method: incoming.method,
        headers: { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress },
        timeout: TIMEOUT_MS,
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      },
    )
    onward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()))
    incoming.pipe(onward)
  }
  const keep = (socket: Duplex) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
  }
  server.on('upgrade', (incoming, socket, head) => {
    keep(socket)
    void upgrade(incoming, socket, head).catch(() => socket.destroy())
  })
  const upgrade = async (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { address, path } = await target(incoming.url ?? '/')
    if (address === undefined) return void socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n')
    const headers = incoming.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
    headers.push(`x-forwarded-for: ${incoming.socket.remoteAddress}\r\n`)
    const onward = join(socket, address)
    onward.write(`GET ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)
    onward.write(head)
  }
  const target = async (url: string): Promise<{ address: string | undefined; path: string }> => {
    const { service = provider, path } = routeOf(url)
    return { address: await find(service.namespace, service.name, 'http'), path }
  }
  const livekits: Server[] = []
  await listening(server, host, HTTP_PORT)
  return {
    url: `http://${host}`,
    realmUrl: (namespace, realm) => `http://${host}/at/${namespace}/${realm}`,
    openLivekit: async (namespace, realm) => {
      const livekit = createTcpServer((socket) => {
        keep(socket)
        void find(namespace, `${realm}-livekit`, 'http').then((address) => (address ? join(socket, address) : socket.destroy()))
      })
      livekits.push(livekit)
      return `ws://${host}:${await listening(livekit, host, 0)}`
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await Promise.all([server, ...livekits].map((each) => new Promise((resolve) => each.close(resolve))))
    },
  }
}

/** Caches the addresses of Services, so that they are not looked up for each player. */
function remembering(ask: FindService): FindService {
  const known = new Map<string, { address: Promise<string | undefined>; untilMs: number }>()
  return (...service) => {
    const name = service.join('/')
    const before = known.get(name)
    if (before && performance.now() < before.untilMs) return before.address
    const address = ask(...service)
    known.set(name, { address, untilMs: performance.now() + ADDRESS_MS })
    return address
  }
}

/**
 * The target of a path: below `/at/{namespace}/{realm}` a Service of that realm; else undefined, which stands for the provider.
 */
export function routeOf(url: string): { service: ServiceName | undefined; path: string } {
  const [, namespace = '', realm = '', path = url] = /^\/at\/([a-z0-9-]+)\/([a-z0-9-]+)(\/.*)$/.exec(url) ?? []
  if (realm === '') return { service: undefined, path }
  const [, part = '', slot = ''] = /^\/([a-z]+)(?:\/(\d+)(?=\/))?/.exec(path) ?? []
  const name = part === 'cells' ? `slot-${slot}` : OF_STATS.includes(part) ? 'stats' : part
  return { service: { namespace, name: `${realm}-${name}` }, path }
}

/** Further paths of a realm that its statistics answer: docs/guides/expose.md. */
const OF_STATS = ['about', 'scenes', 'content', 'lambdas']

/** Starts listening and returns the port. */
const listening = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })

/** Connects to the target; when either side ends, both do. Returns the socket to the target, which accepts bytes at once. */
function join(socket: Duplex, address: string): Duplex {
  const [host = '', port = '80'] = address.split(':')
  const onward = connect(Number(port), host)
  onward.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  socket.on('close', () => onward.destroy())
  socket.pipe(onward).pipe(socket)
  return onward
}
