import { request } from 'undici'
import { messageOf } from './errors.ts'
import { followingHttp, outgoingHttp, readText } from './outgoing-http.ts'

/** The headers of a response; names are in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The response of another service, or why there is none; `body` is undefined where a refusal (4xx) has no JSON. */
export type FetchResult = { ok: true; status: number; body: unknown; headers?: ResponseHeaders } | { ok: false; reason: string }

export interface FetchLimits {
  /** From the request to the last byte of the response. */
  timeoutMs: number
  maxBytes: number
  /** Sent as JSON by POST; without it the request is a GET. */
  post?: unknown
  /** The header `authorization`. */
  authorization?: string
  /** Whether a tenant chose the URL: addresses of this machine and of its links are refused then; false by default. */
  onlyRemote?: boolean
  /** Whether only servers of the internet are asked, over TLS; false by default. */
  onlyPublic?: boolean
  /** Whether up to three redirections are followed, each to where a request may go; false by default. */
  followRedirects?: boolean
}

/**
 * Requests JSON of another service. Nothing is thrown: a service that is down is an expected outcome.
 */
export async function fetchJson(
  url: string,
  { timeoutMs, maxBytes, post, authorization, onlyRemote = false, onlyPublic = false, followRedirects = false }: FetchLimits,
): Promise<FetchResult> {
  const reach = { onlyRemote, onlyPublic }
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: followRedirects ? followingHttp(reach) : outgoingHttp(reach),
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        ...(post !== undefined && { 'content-type': 'application/json' }),
        ...(authorization !== undefined && { authorization }),
      },
      ...(post !== undefined && { method: 'POST', body: JSON.stringify(post) }),
    })
    const text = await readText(body, maxBytes)
    // A refusal is an answer, also where it has no body or a page of HTML.
    if (statusCode >= 400 && statusCode < 500) return { ok: true, status: statusCode, headers, body: jsonOrNothing(text) }
    const answer = jsonOrNothing(text)
    if (answer === undefined) return { ok: false, reason: `the answer, of status ${statusCode}, is no JSON` }
    return { ok: true, status: statusCode, headers, body: answer }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The status of another service, whatever its body is; undefined without an answer in time. Nothing is thrown. */
export async function fetchStatus(
  url: string,
  { timeoutMs, onlyRemote = false }: Pick<FetchLimits, 'timeoutMs' | 'onlyRemote'>,
): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const { statusCode, body } = await request(url, { dispatcher: followingHttp({ onlyRemote }), signal })
    await body.dump({ limit: MAX_DUMPED_BYTES })
    return statusCode
  } catch {
    return undefined
  }
}

/** Of a body that is not used; a longer one ends its connection. */
const MAX_DUMPED_BYTES = 64 * 1024
