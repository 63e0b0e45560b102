import { isIP } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors } from 'undici'
import { isInternalAddress } from './client-address.ts'
import { isLocalAddress, isPublicAddress, LocalAddressError, remoteLookup } from './local-addresses.ts'

/** Which hosts a request may go to. */
export interface OutgoingReach {
  /** Refuses addresses of this machine and of its links, for URLs that a tenant chose. */
  onlyRemote: boolean
  /**
   * Refuses private networks too, names that only this cluster knows, and what is not sent over TLS, for URLs that a server out of the
   * tenant's hands chose; false by default.
   */
  onlyPublic?: boolean
}

/** What a dispatcher of its own does. */
export interface OutgoingHttpOptions {
  /**
   * Which IP addresses may be connected to; all by default. A name that a proxy resolves is not checked: where that may lead is the
   * decision of the proxy.
   */
  mayConnect?: ((address: string) => boolean) | undefined
  /** Of one answer. */
  maxAnswerBytes?: number
  /** Refuses `http:`, and looks names up as they are written only. */
  onlyPublicNames?: boolean
}

/** Connections to one host at most. */
const CONNECTIONS = 8

const known = new Map<string, Dispatcher>()

/** The dispatcher of every HTTP request of this process to other services. */
export function outgoingHttp(reach: OutgoingReach = { onlyRemote: false }): Dispatcher {
  const key = keyOf(reach)
  const dispatcher = known.get(key) ?? createOutgoingHttp(optionsOf(reach))
  known.set(key, dispatcher)
  return dispatcher
}

const keyOf = ({ onlyRemote, onlyPublic = false }: OutgoingReach): string => `${onlyRemote} ${onlyPublic}`

function optionsOf({ onlyRemote, onlyPublic = false }: OutgoingReach): OutgoingHttpOptions {
  if (onlyPublic) return { mayConnect: isPublicAddress, onlyPublicNames: true }
  return onlyRemote ? { mayConnect: isRemote } : {}
}

const MAX_REDIRECTS = 3
const following = new Map<string, Dispatcher>()

/** The same for requests whose redirections are followed: each is a request of its own, which may go no further than the first. */
export function followingHttp(reach: OutgoingReach): Dispatcher {
  const key = keyOf(reach)
  const redirect = interceptors.redirect({ maxRedirections: MAX_REDIRECTS, throwOnMaxRedirect: true })
  const dispatcher = following.get(key) ?? outgoingHttp(reach).compose(redirect)
  following.set(key, dispatcher)
  return dispatcher
}

const isRemote = (address: string) => !isLocalAddress(address)

/**
 * Sends requests directly, or through the proxy of the environment: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, also in lower case, which
 * goes first. Names of the cluster and private addresses are reached directly in any case: a proxy leads out of a cluster, not back into it.
 */
export function createOutgoingHttp(
  { mayConnect, maxAnswerBytes, onlyPublicNames = false }: OutgoingHttpOptions,
  env: NodeJS.ProcessEnv = process.env,
): Dispatcher {
  const options = {
    connections: CONNECTIONS,
    ...(maxAnswerBytes && { maxResponseSize: maxAnswerBytes }),
    ...(mayConnect && { connect: { lookup: remoteLookup(undefined, mayConnect, onlyPublicNames) } }),
  }
  const direct = new Agent(options)
  const [httpProxy, httpsProxy] = [env.http_proxy || env.HTTP_PROXY || '', env.https_proxy || env.HTTPS_PROXY || '']
  const proxied = new EnvHttpProxyAgent({
    ...options,
    ...{ httpProxy, httpsProxy, noProxy: env.no_proxy || env.NO_PROXY || '' },
  })
  return direct.compose((dispatch) => (request, handler) => {
    const { protocol, hostname } = new URL(String(request.origin))
    const host = hostname.replace(/^\[|\]$/g, '')
    if (onlyPublicNames && protocol !== 'https:') throw new Error(`${host} is not asked over TLS`)
    // An address needs no lookup, so it is not checked there.
    if (mayConnect && isIP(host) && !mayConnect(host)) throw new LocalAddressError(host)
    return isInside(host) ? dispatch(request, handler) : proxied.dispatch(request, handler)
  })
}

/** Whether a host is in this cluster or in a private network. */
function isInside(host: string): boolean {
  const name = host.replace(/\.$/, '')
  return isInternalAddress(name) || !/[.:]/.test(name) || /\.(svc|cluster\.local|localhost)$/.test(name)
}

/** An answer that is longer than may be read. */
export class LongAnswerError extends Error {
  constructor(maxBytes: number) {
    super(`the response is longer than ${maxBytes} bytes`)
  }
}

/** Reads a body as text. @throws LongAnswerError when it is longer than `maxBytes`; its connection is closed then */
export const readText = async (body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> =>
  (await readBytes(body, maxBytes)).toString()

/** As `readText`, without reading the bytes as text. */
export async function readBytes(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new LongAnswerError(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
