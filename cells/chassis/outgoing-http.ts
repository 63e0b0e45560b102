import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { isInternalAddress } from './client-address.ts'
import { isLocalAddress, LocalAddressError, lookupRemote } from './local-addresses.ts'

/** Which hosts a request may go to. */
export interface OutgoingReach {
  /** Refuses addresses of this machine and of its links, for URLs that a tenant chose. */
  onlyRemote: boolean
}

/** Connections to one host at most. */
const CONNECTIONS = 8

const known = new Map<boolean, Dispatcher>()

/** The dispatcher of every HTTP request of this process to other services. */
export function outgoingHttp({ onlyRemote }: OutgoingReach = { onlyRemote: false }): Dispatcher {
  const dispatcher = known.get(onlyRemote) ?? createOutgoingHttp({ onlyRemote })
  known.set(onlyRemote, dispatcher)
  return dispatcher
}

/**
 * Sends requests directly, or through the proxy of the environment: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, also in lower case, which
 * goes first. Names of the cluster and private addresses are reached directly in any case: a proxy leads out of a cluster, not back into it.
 */
export function createOutgoingHttp({ onlyRemote }: OutgoingReach, env: NodeJS.ProcessEnv = process.env): Dispatcher {
  const direct = new Agent({ connections: CONNECTIONS, ...(onlyRemote && { connect: { lookup: lookupRemote } }) })
  const [httpProxy, httpsProxy] = [env.http_proxy || env.HTTP_PROXY || '', env.https_proxy || env.HTTPS_PROXY || '']
  const proxied = new EnvHttpProxyAgent({
    ...{ connections: CONNECTIONS, httpProxy, httpsProxy, noProxy: env.no_proxy || env.NO_PROXY || '' },
    ...(onlyRemote && { connect: { lookup: lookupRemote } }),
  })
  return direct.compose((dispatch) => (request, handler) => {
    const { hostname } = new URL(String(request.origin))
    if (onlyRemote && isLocalAddress(hostname)) throw new LocalAddressError(hostname)
    return isInside(hostname) ? dispatch(request, handler) : proxied.dispatch(request, handler)
  })
}

/** Whether a host is in this cluster or in a private network. */
function isInside(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  return isInternalAddress(name) || !/[.:]/.test(name) || /\.(svc|cluster\.local|localhost)$/.test(name)
}

/** Reads a body as text. @throws Error when it is longer than `maxBytes`; its connection is closed then */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the response is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
