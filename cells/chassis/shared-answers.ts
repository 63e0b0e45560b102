import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'
import type { Handler, HttpRequest } from './http.ts'
import type { HttpResponse } from './http-response.ts'

/** Most answers that are kept, and most bytes of them: clients write the headers that answers depend on. */
const MAX_ANSWERS = 256
const MAX_BYTES = 4 * 1024 * 1024
/** Longest time for which an answer is given again. */
const MAX_AGE_SECONDS = 60
/** Beside those that `Vary` names: the host belongs to the URL for a shared cache (RFC 9111 §4.1), and here to the scheme. */
const ALWAYS = ['host', 'x-forwarded-proto']
/** What this process answers by itself, whatever it is for. */
const ANSWERED_HERE = new Set(['origin', 'accept-encoding'])

interface KeptAnswer {
  answer: HttpResponse
  /** By the monotonic clock. */
  freshUntil: number
}

type Asked = Pick<HttpRequest, 'method' | 'headers'>

/**
 * Gives answers again that say `Cache-Control: public, max-age=…`, for as long as they say, to requests that agree in the headers of their
 * `Vary`. After that it asks with their entity tag whether they hold. Requests with a query are passed on.
 */
export function sharingAnswers(ask: Handler, clock: Pick<Clock, 'monotonic'>): Handler {
  const kept = new LRUCache<string, KeptAnswer>({
    max: MAX_ANSWERS,
    maxSize: MAX_BYTES,
    sizeCalculation: ({ answer: { body = '' } }, key) => body.length + key.length + 1,
  })
  /** Of the last answer; all are of one resource. */
  let vary = ''
  const keyOf = ({ method, headers }: Asked) =>
    JSON.stringify([method, ...[...ALWAYS, ...namesIn(vary)].map((name) => headers[name])])
  const keep = (request: Asked, answer: HttpResponse): HttpResponse => {
    const { 'cache-control': control, vary: given = '' } = answer.headers ?? {}
    const seconds = maxAgeOf(control)
    if (seconds === undefined) return answer
    if (given !== vary) kept.clear()
    vary = given
    kept.set(keyOf(request), { answer, freshUntil: clock.monotonic() + seconds * 1_000 })
    return answer
  }
  return async (request) => {
    if (request.query.size > 0) return ask(request)
    const now = clock.monotonic()
    const whole = kept.get(keyOf({ ...request, method: 'GET' }))
    const known = whole && whole.freshUntil > now ? whole : kept.get(keyOf(request))
    if (known && known.freshUntil > now) return known.answer
    const answer = await ask({ ...request, headers: headersToAsk(request.headers, known?.answer.headers?.etag) })
    if (answer.status === 304 && known)
      return keep(request, { ...known.answer, headers: { ...known.answer.headers, ...withoutCodings(answer.headers) } })
    return answer.status === 200 ? keep(request, preparedFrom(answer)) : answer
  }
}

/** The server is asked for the whole body as it is; what a client accepts and knows is answered here. */
function headersToAsk({ 'if-none-match': _, 'accept-encoding': __, range: ___, ...headers }: IncomingHttpHeaders, etag?: string) {
  return { ...headers, ...(etag !== undefined && { 'if-none-match': etag }) }
}

/** An answer in which the client finds what it accepts, unless it came in one form already. */
function preparedFrom(answer: HttpResponse): HttpResponse {
  const { headers = {}, body } = answer
  if (headers['content-encoding'] !== undefined || headers.etag === undefined || !body?.length) return answer
  return { ...answer, headers: withoutCodings(headers), isPrepared: true }
}

/** In which coding the body is sent is decided here, and added to `Vary` then. */
function withoutCodings({ vary = '', ...headers }: Readonly<Record<string, string>> = {}): Record<string, string> {
  const others = vary
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name.toLowerCase() !== 'accept-encoding')
  return { ...headers, ...(others.length > 0 && { vary: others.join(', ') }) }
}

const namesIn = (vary: string): string[] =>
  vary
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && !ANSWERED_HERE.has(name))

/** Seconds for which shared caches may keep an answer; undefined where they may not. */
function maxAgeOf(control = ''): number | undefined {
  const [, seconds] = /\bmax-age=(\d{1,9})\b/.exec(control) ?? []
  if (seconds === undefined || !/\bpublic\b/.test(control) || /\b(?:private|no-store|no-cache)\b/.test(control)) return undefined
  return Math.min(Number(seconds), MAX_AGE_SECONDS)
}
