import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { App } from '../../cells/chassis/http.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { refuseUpgrade } from '../../cells/chassis/refuse-upgrade.ts'
import { RELAY_FORWARD_PORT } from '../../cells/wire/relay-address.ts'
import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { partName } from '../../operator/desired/naming.ts'
import { type Content, type Destination, destinationOf, type ForwardedRealm, isLivekitForwarded } from './forwarded-realm.ts'
import { createHttpRequests } from './http-requests.ts'
import { localAbout, localIsland, withLocalAdapters } from './local-addresses.ts'
import { clientSignal, localSignal } from './media-candidates.ts'
import { startRelayClients } from './relay-clients.ts'
import type { ChoosePod, ServicePort } from './service-pods.ts'
import { type PassOn, pairSockets } from './socket-pair.ts'
import type { OpenTunnel } from './tunnel.ts'

export interface ForwardingOptions extends ForwardedRealm {
  /** 0 = a free one. */
  port: number
  /** The Service of the relay that the chart installed, as far as it was seen. */
  relay?: ServicePort | undefined
  choosePod: ChoosePod
  openTunnel: OpenTunnel
  /** Connections to pods at a time, each of which is one to the API server; 500 unless given. */
  maxConnections?: number
  /** Told why a client got no connection; called as often as that happens. */
  onProblem(error: unknown): void
}

/** A realm of a cluster at an address of this machine. */
export interface Forwarding extends Running {
  /** Base URL of the realm, which explorers are pointed at. */
  readonly url: string
  /** Port of this machine that leads to the TCP port of the realm's own LiveKit; undefined where it has none. */
  readonly mediaPort: number | undefined
  /** UDP port of this machine that leads to the movement relay; undefined where none was seen. */
  readonly relayPort: number | undefined
  /** Connections to pods at the moment. */
  readonly connections: number
  /** Opens a connection to the pods that describe the realm. @throws as for a client */
  check(): Promise<void>
}

const LOCAL = '127.0.0.1'
const MAX_CONNECTIONS = 500
const RETRY_AFTER_SECONDS = 1

/** Opens a realm on this machine. @throws UserError 3 where the port is taken */
export async function startForwarding(options: ForwardingOptions): Promise<Forwarding> {
  const { realm, choosePod, openTunnel, maxConnections = MAX_CONNECTIONS } = options
  const open = new Set<Duplex>()
  const ended = new AbortController()
  const onProblem = (error: unknown) => void (ended.signal.aborted || options.onProblem(error))
  let opening = 0
  const connect = async (to: ServicePort, ofLoopback?: number): Promise<Duplex> => {
    if (open.size + opening >= maxConnections)
      throw new UserError(`There are ${maxConnections} connections to pods, which is the most.`, 4)
    opening++
    const tunnel = await choosePod(to)
      .then((pod) => openTunnel({ ...pod, port: ofLoopback ?? pod.port }, ended.signal))
      .finally(() => opening--)
    open.add(tunnel)
    // A client that is gone has no use for the error, and one that is there notices the end.
    tunnel.on('error', () => {}).once('close', () => open.delete(tunnel))
    return tunnel
  }
  const requests = createHttpRequests(connect)
  const media = isLivekitForwarded(realm) ? await startMedia(() => connect(portOfMedia(realm)), onProblem) : undefined
  const { relay } = options
  const movement = relay && (await startRelayClients(() => connect(relay, RELAY_FORWARD_PORT), onProblem))
  const app = appOf({ ...options, onProblem }, { requests, connect, url: () => listening.url, mediaPort: media?.port ?? 0 })
  const listening = await listen(app, { host: LOCAL, port: options.port }).catch(async (error: unknown) => {
    await Promise.all([media?.stop(), movement?.stop()])
    throw error
  })
  return {
    url: listening.url,
    mediaPort: media?.port,
    relayPort: movement?.port,
    get connections() {
      return open.size
    },
    async check() {
      const first = destinationOf(options, '/about')
      if (!first)
        throw new UserError(`The Realm ${realm.metadata.name} is served by another gatekeeper, and no realm provider was seen.`)
      ;(await connect(first.to)).destroy()
    },
    async stop() {
      // Also those that the API server has not opened yet: their clients wait for them.
      ended.abort()
      requests.stop()
      await Promise.all([listening.stop(), media?.stop(), movement?.stop()])
    },
  }
}

interface Ways {
  requests: ReturnType<typeof createHttpRequests>
  connect(to: ServicePort): Promise<Duplex>
  url(): string
  mediaPort: number
}

function appOf(options: ForwardingOptions, { requests, connect, url, mediaPort }: Ways): App {
  const { realm, onProblem } = options
  const change: Partial<Record<Content, (answer: unknown) => unknown>> = {
    about: (answer) => localAbout(answer, realm, url()),
    json: (answer) => withLocalAdapters(answer, realm, url()),
  }
  const toClient: Partial<Record<Content, PassOn>> = {
    player: (bytes) => localIsland(bytes, realm, url()),
    signalling: (bytes) => localSignal(bytes, mediaPort),
  }
  const pass = async ({ to, target, content }: Destination, request: IncomingMessage, response: ServerResponse) => {
    try {
      await requests.pass(request, response, { service: to, target }, change[content])
    } catch (error) {
      onProblem(error)
      if (response.headersSent) response.destroy()
      else answer(response, 503, { error: messageOf(error) })
    }
  }
  return {
    handle(request, response) {
      const target = request.url ?? '/'
      const to = destinationOf(options, target)
      if (to) void pass(to, request, response)
      else if (/^\/realms(?:\?|$)/.test(target))
        answer(response, 200, [{ serverName: realmNameOf(realm), url: url(), usersCount: realm.status?.players ?? 0 }])
      else answer(response, 404, { error: 'Not Found' })
    },
    upgrade(request, stream, head) {
      const to = destinationOf(options, request.url ?? '/')
      if (!to) return false
      const { target, content } = to
      connect(to.to).then(
        (tunnel) => {
          const toPod: PassOn = content === 'signalling' ? clientSignal : unchanged
          if (stream.destroyed) tunnel.destroy()
          else pairSockets(request, stream, head, { tunnel, target, toPod, toClient: toClient[content] ?? unchanged })
        },
        (error: unknown) => {
          onProblem(error)
          refuseUpgrade(stream, 503, RETRY_AFTER_SECONDS)
        },
      )
      return true
    },
  }
}

const unchanged: PassOn = (bytes) => bytes

const answer = (response: ServerResponse, status: number, body: unknown): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
    .end(JSON.stringify(body))

const portOfMedia = (realm: Realm): ServicePort => ({
  namespace: realm.metadata.namespace,
  service: partName(realm, 'livekit'),
  port: 'rtc-tcp',
})

/** A port of this machine for the media of a LiveKit, which goes over TCP here. */
async function startMedia(
  connect: () => Promise<Duplex>,
  onProblem: (error: unknown) => void,
): Promise<Running & { port: number }> {
  const clients = new Set<Duplex>()
  const server = createServer((client) => {
    clients.add(client)
    client.on('error', () => client.destroy()).once('close', () => clients.delete(client))
    connect().then(
      (tunnel) => {
        client.pipe(tunnel).pipe(client)
        client.once('close', () => tunnel.destroy())
        tunnel.once('close', () => client.destroy())
        if (client.destroyed) tunnel.destroy()
      },
      (error: unknown) => {
        onProblem(error)
        client.destroy()
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, LOCAL, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
