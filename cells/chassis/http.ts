import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import findMyWay from 'find-my-way'
import { BugReporter } from './bug-reporter.ts'
import { peerAddressOf } from './client-address.ts'
import { httpStatusOf, Refusal } from './errors.ts'
import type { HttpResponse } from './http-response.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { representationFor } from './representation.ts'
import { routedPath, splitTarget } from './request-target.ts'

/** A request as handlers receive it. */
export interface HttpRequest<Param extends string = never> {
  method: string
  /** The path exactly as the client wrote it, without query; what a signed fetch signs. */
  path: string
  params: Readonly<Record<Param, string>>
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** `scheme://host` the client used, from the headers `x-forwarded-proto` and `host`. */
  origin: string
  /** Address of the other end of the connection; an IPv4 one in the spelling of IPv4, also on a socket of IPv6. */
  remoteAddress: string
  /** Reads the body. @throws Refusal TOO_LARGE beyond the app's limit */
  body(): Promise<Buffer>
}

/** Turns a request into a response. @throws Refusal for an expected error, which becomes its HTTP status */
export type Handler<Param extends string = never> = (request: HttpRequest<Param>) => HttpResponse | Promise<HttpResponse>

/** One line of a service's API: `GET /islands/:id`. HEAD is answered wherever GET is. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  handler: Handler<string>
  /** The longest body that it reads, where that is not the limit of the app. */
  maxBodyBytes?: number
}

/** Takes over the connection of an upgrade request (for a WebSocket). */
export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  /** The parameters of the path, decoded by the router. */
  params: Readonly<Record<string, string | undefined>>,
) => void

/** A piece of HTTP that can be served alone or mounted below a path. */
export interface App {
  handle(request: IncomingMessage, response: ServerResponse, basePath: string): void
  /** Takes the upgrade over, or returns false when it has no such path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, basePath: string): boolean
}

export interface AppOptions {
  routes: readonly Route[]
  /** Upgrade handlers by exact path or by pattern as in routes. */
  upgrades?: Readonly<Record<string, UpgradeHandler>>
  log: Log
  metrics: Metrics
  /** Longest request body in bytes; 64 KiB by default. */
  maxBodyBytes?: number
  /** The body of a refusal; `{"error": message}` by default. */
  refusalBody?: (refusal: Refusal) => unknown
  /** The response where no route matches; 404 `{"error":"Not Found"}` by default. */
  notFound?: HttpResponse
}

/** A route, with its parameters typed from the pattern. */
export const route = <Path extends string>(method: Route['method'], path: Path, handler: Handler<ParamsOf<Path>>): Route => ({
  method,
  path,
  handler: handler as Handler<string>,
})
type ParamsOf<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? Name | ParamsOf<Tail>
    : Rest
  : never

/** 200 with a JSON body. */
export const ok = (body: unknown): HttpResponse => json(200, body)

/** Any status with a JSON body. */
export const json = (status: number, body: unknown, headers?: HttpResponse['headers']): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

/** Plain text, 200 by default. */
export const text = (body: string, status = 200): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
})

const MAX_BODY_BYTES = 64 * 1024
/** For what is unavailable: about as long as a database or a server takes to come back. */
const RETRY_AFTER_SECONDS = '5'
const MAX_PARAM_LENGTH = 256
const PREFLIGHT_MAX_AGE_SECONDS = '86400'

/** Joins routes and upgrades to an app: routing, HEAD, 405, CORS, body limits, refusals and metrics in one place. */
export function createApp(options: AppOptions): App {
  const { routes, upgrades = {}, log, metrics, maxBodyBytes = MAX_BODY_BYTES } = options
  const refusalBody = options.refusalBody ?? ((refusal: Refusal) => ({ error: refusal.message }))
  const notFound = options.notFound ?? json(404, { error: 'Not Found' })
  const bugs = new BugReporter({ log, metrics })
  const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH })
  const upgradeRouter = findMyWay({ maxParamLength: MAX_PARAM_LENGTH })
  const nothing = () => undefined
  for (const each of routes) router.on(each.method, each.path, nothing, each)
  for (const [path, handler] of Object.entries(upgrades)) upgradeRouter.on('GET', path, nothing, { handler })
  const requests = metrics.counter('http_requests_total', 'Answered HTTP requests by route and status.', [
    'method',
    'route',
    'status',
  ])

  const methods = [...new Set(routes.map(({ method }) => method))]

  async function answer(request: IncomingMessage, basePath: string): Promise<{ answer: HttpResponse; route: string }> {
    const { pathname, query } = splitTarget(request.url ?? '/')
    const path = routedPath(pathname).slice(basePath.length) || '/'
    const method = request.method ?? 'GET'
    if (method === 'OPTIONS') return { answer: { status: 204, headers: preflightHeaders(request) }, route: 'preflight' }
    const found = router.find((method === 'HEAD' ? 'GET' : method) as Route['method'], path)
    if (!found) {
      const allowed = methods.filter((known) => router.find(known, path) !== null)
      if (allowed.length === 0) return { answer: notFound, route: 'none' }
      const allow = allowed.flatMap((known) => (known === 'GET' ? ['HEAD', 'GET'] : [known])).join(', ')
      // As a label, the path itself would let clients create a time series per request.
      return { answer: { status: 405, headers: { allow } }, route: 'other' }
    }
    const { handler, path: pattern, maxBodyBytes: limit = maxBodyBytes } = found.store as Route
    const ask: HttpRequest<string> = {
      method,
      path: pathname,
      params: found.params as Record<string, string>,
      query: new URLSearchParams(query),
      headers: request.headers,
      origin: originOf(request),
      remoteAddress: peerAddressOf(request.socket),
      body: () => readBody(request, limit),
    }
    try {
      const given = handler(ask)
      return { answer: given instanceof Promise ? await given : given, route: pattern }
    } catch (error) {
      if (error instanceof Refusal) {
        const later = error.code === 'UNAVAILABLE' ? { 'retry-after': RETRY_AFTER_SECONDS } : {}
        return { answer: json(httpStatusOf[error.code], refusalBody(error), later), route: pattern }
      }
      bugs.report('request', error, { method, path: pathname })
      return { answer: json(500, { error: 'Internal Server Error' }), route: pattern }
    }
  }

  return {
    handle(request, response, basePath) {
      answer(request, basePath)
        .then(({ answer: given, route: pattern }) => {
          const isRead = request.method === 'GET' || request.method === 'HEAD'
          const { status, headers, body, stream } = isRead ? representationFor(given, request.headers) : given
          requests.inc({ method: request.method ?? 'GET', route: pattern, status: String(status) })
          const content = typeof body === 'string' ? Buffer.from(body) : body
          response.writeHead(status, {
            ...(stream ? {} : lengthHeader(status, content)),
            ...corsHeaders(request),
            ...headers,
            // Also where the request had no Origin: a cache would otherwise give this answer to browsers, too.
            vary: headers?.vary === undefined ? 'Origin' : `Origin, ${headers.vary}`,
          })
          if (stream && request.method !== 'HEAD') stream(response)
          else response.end(request.method === 'HEAD' ? undefined : content)
          // A refused body is still arriving: without this the connection would carry its rest into the next request.
          if (!request.complete && status >= 400) request.destroy()
        })
        // Whatever a client sent, or a handler answered, ends this request and nothing else.
        .catch((error: unknown) => {
          bugs.report('request', error, { method: request.method, path: request.url })
          if (response.headersSent) response.destroy()
          else response.writeHead(500, { 'content-length': 0 }).end()
        })
    },
    upgrade(request, socket, head, basePath) {
      try {
        const { pathname } = splitTarget(request.url ?? '/')
        const found = upgradeRouter.find('GET', routedPath(pathname).slice(basePath.length) || '/')
        if (!found) return false
        ;(found.store as { handler: UpgradeHandler }).handler(request, socket, head, found.params)
      } catch (error) {
        bugs.report('upgrade', error, { path: request.url })
        socket.destroy()
      }
      return true
    },
  }
}

function originOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-proto']
  const scheme = (typeof forwarded === 'string' ? forwarded.split(',')[0]?.trim() : undefined) === 'https' ? 'https' : 'http'
  return `${scheme}://${request.headers.host ?? 'localhost'}`
}

/** Absent where an answer has no body by its status (RFC 9110 §8.6): a 304 would say that the cached body is empty. */
const lengthHeader = (status: number, content: Uint8Array | undefined): Record<string, number> =>
  status === 204 || status === 304 ? {} : { 'content-length': content?.length ?? 0 }

/** Headers beside the common ones that scripts of other origins may read. */
const EXPOSED_HEADERS = 'ETag, Retry-After'

// Explorers that run in a browser call every API here from another origin.
const corsHeaders = ({ headers }: IncomingMessage): Record<string, string> => ({
  ...(headers.origin === undefined
    ? { 'access-control-allow-origin': '*' }
    : { 'access-control-allow-origin': headers.origin, 'access-control-allow-credentials': 'true' }),
  'access-control-expose-headers': EXPOSED_HEADERS,
})

const preflightHeaders = ({ headers }: IncomingMessage): Record<string, string> => ({
  'access-control-allow-methods': 'GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS',
  'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
  'access-control-max-age': PREFLIGHT_MAX_AGE_SECONDS,
})

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw new Refusal('TOO_LARGE', `the body is longer than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    // A client that hangs up in the middle of its body is no failure of this process.
    throw error instanceof Refusal
      ? error
      : new Refusal('INVALID', 'the connection ended in the middle of the body', { cause: error })
  }
  return Buffer.concat(chunks)
}
