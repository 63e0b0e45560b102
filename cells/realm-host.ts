import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'undici'
import { z } from 'zod'
import { withoutTrailingSlash } from './chassis/base-url.ts'
import type { Clock } from './chassis/clock.ts'
import { messageOf, Refusal } from './chassis/errors.ts'
import { type Handler, json, type Route, route } from './chassis/http.ts'
import type { HttpResponse } from './chassis/http-response.ts'
import type { Log } from './chassis/log.ts'
import { outgoingHttp, readBytes } from './chassis/outgoing-http.ts'
import { routedPath } from './chassis/request-target.ts'
import { sharingAnswers } from './chassis/shared-answers.ts'
import { REALM_HOST_HEADER } from './wire/realm-host-header.ts'

/** Variables of the service that answers at the host of a realm. */
export const realmHostVariables = {
  REALM_PROVIDER_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Base URL of the realm provider, which is asked for /about, /scenes, /content and /lambdas of the realm; unset = there are none here.',
    ),
}

/** The realm provider, as this process reaches it, and the name of the realm there. */
export interface RealmHostOptions {
  providerUrl: string
  realmName: string
  log: Log
  clock: Pick<Clock, 'monotonic'>
}

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 1024 * 1024
/** As at the realm provider: explorers post the pointers of everything around them. */
const MAX_BODY_BYTES = 256 * 1024

/** Headers that are of one connection (RFC 9110 §7.6.1), that the next request has its own of, or that the provider need not know. */
const KEPT_HERE = new Set(
  `connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect content-length origin authorization cookie
  proxy-authorization x-forwarded-for`.split(/\s+/),
)
const PASSED_BACK = [
  'content-type',
  'content-encoding',
  'etag',
  'cache-control',
  'retry-after',
  'location',
  'unused-catalysts',
  'catalyst-list-unreadable',
]

/**
 * The description of the realm, its content and its profiles at the realm's own host, where the services of the realm are. An Ingress
 * reaches Services of its own namespace only, so these requests go through here to the realm provider.
 */
export function realmHostRoutes(options: RealmHostOptions): Route[] {
  const forward = forwardTo(options)
  return [
    // Explorers ask again and again whether the realm is there.
    route('GET', '/about', sharingAnswers(forward, options.clock)),
    route('GET', '/scenes', forward),
    ...['/content/*', '/lambdas/*'].flatMap((path) => [
      route('GET', path, forward),
      { ...route('POST', path, forward), maxBodyBytes: MAX_BODY_BYTES },
    ]),
  ]
}

function forwardTo({ providerUrl, realmName, log }: Omit<RealmHostOptions, 'clock'>): Handler {
  const base = new URL(`${withoutTrailingSlash(providerUrl)}/${encodeURIComponent(realmName)}`)
  return async ({ method, path, query, headers, remoteAddress, body }) => {
    const target = new URL(base)
    target.pathname += routedPath(path)
    // A path with `..` leads elsewhere.
    if (target.pathname !== `${base.pathname}${routedPath(path)}`) return json(404, { error: 'Not Found' })
    target.search = String(query)
    const isPost = method === 'POST'
    try {
      const answer = await request(target, {
        dispatcher: outgoingHttp(),
        method: isPost ? 'POST' : method === 'HEAD' ? 'HEAD' : 'GET',
        headers: headersFor(headers, remoteAddress),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(isPost && { body: await body() }),
      })
      return {
        status: answer.statusCode,
        headers: headersOf(answer.headers, method),
        body: await readBytes(answer.body, MAX_ANSWER_BYTES),
      }
    } catch (error) {
      if (error instanceof Refusal) throw error
      log.warn({ error: messageOf(error) }, 'the realm provider does not answer')
      throw new Refusal('UNAVAILABLE', 'the realm provider does not answer', { cause: error })
    }
  }
}

function headersFor(headers: IncomingHttpHeaders, remoteAddress: string): Record<string, string> {
  const passed = Object.entries(headers).flatMap(([name, value]) =>
    KEPT_HERE.has(name) || typeof value !== 'string' ? [] : [[name, value]],
  )
  const hops = [headers['x-forwarded-for'] ?? [], remoteAddress].flat().join(', ')
  return { ...Object.fromEntries(passed), 'x-forwarded-for': hops, [REALM_HOST_HEADER]: 'true' }
}

function headersOf(headers: IncomingHttpHeaders, method: string): NonNullable<HttpResponse['headers']> {
  const vary = headers.vary?.replace(/^Origin(?:, )?/, '')
  const names = method === 'HEAD' ? [...PASSED_BACK, 'content-length'] : PASSED_BACK
  const passed = names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]))
  return { ...Object.fromEntries(passed), ...(vary && { vary }) }
}
