import { readFile } from 'node:fs/promises'
import { request } from 'undici'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { outgoingHttp, readText } from '../../../cells/chassis/outgoing-http.ts'

/** A realm provider of another cluster that the operator is configured for. */
export interface RemoteProvider {
  /** Base URL, without a slash at the end. */
  url: string
  /** File with the bearer token; read each time, so that a changed Secret needs no restart. */
  tokenFile: string
}

/** A request about one name. */
export interface PublicationRequest {
  method: 'GET' | 'PUT' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: unknown
}

/** The answer of a provider, or why there is none. */
export type PublicationAnswer = { status: number; etag: string | undefined; body: unknown } | { failed: string }

/** Sends a request to a provider. Never throws. */
export type RequestProvider = (provider: RemoteProvider, request: PublicationRequest) => Promise<PublicationAnswer>

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024

/** Over HTTP; redirects are not followed, because they would carry the token to another host. */
export const requestProvider: RequestProvider = async ({ url, tokenFile }, { method, path, headers, body }) => {
  let token: string
  try {
    token = (await readFile(tokenFile, 'utf8')).trim()
  } catch (error) {
    return { failed: `the token of ${url} cannot be read: ${messageOf(error)}` }
  }
  try {
    const answer = await request(`${url}${path}`, {
      dispatcher: outgoingHttp(),
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const { etag } = answer.headers
    const text = await readText(answer.body, MAX_ANSWER_BYTES)
    return { status: answer.statusCode, etag: typeof etag === 'string' ? etag : undefined, body: parsed(text) }
  } catch (error) {
    return { failed: messageOf(error) || 'no answer' }
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
