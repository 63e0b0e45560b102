import type { IncomingHttpHeaders } from 'node:http'

/** An error response of the API server. */
export class KubeError extends Error {
  /** HTTP status, or the code of a `Status` object inside a watch. */
  readonly status: number
  /** Machine-readable word of the API server (`Conflict`, `Expired`, `Invalid`); empty when it gave none. */
  readonly reason: string
  /** How long the server asks to wait, if it does. */
  readonly retryAfterMs: number | undefined

  constructor(attempt: string, status: number, body: { reason?: string; message?: string }, retryAfterMs?: number) {
    super(`${attempt}: ${body.message || `the API server answered ${status}`}`)
    this.name = 'KubeError'
    this.status = status
    this.reason = body.reason ?? ''
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether something thrown is the API server's answer with this status. */
export const isStatus = (thrown: unknown, status: number): thrown is KubeError =>
  thrown instanceof KubeError && thrown.status === status

/**
 * Whether the server could not read the object in a request. A server-side apply answers an unknown field or two entries of one key like
 * this: with status 500 and without a reason, as if the server had failed.
 */
export const isUnreadableObject = (thrown: unknown): thrown is KubeError =>
  isStatus(thrown, 500) && thrown.reason === '' && /failed to create typed \w+ object/.test(thrown.message)

/** A field of an applied object that the CRD of its kind does not know, or does not know the value of. */
export interface UnknownField {
  kind: string
  /** As in `status.endpoints.state`, without the items of lists in between. */
  path: string
}

const UNKNOWN_FIELD = /\.((?:\[[^\]]*\]|[^\s:[])+): field not declared in schema/g
const UNKNOWN_VALUE = /((?:spec|status)(?:\.\w+|\[\d+\])+): Unsupported value/g

/** The fields that the CRD on the server does not know, as far as its answer to a server-side apply names them: often only the first one. */
export function unknownFields(thrown: unknown): UnknownField[] {
  if (!isUnreadableObject(thrown) && !isStatus(thrown, 422)) return []
  const { message } = thrown
  const kind = / Kind=(\w+)\)/.exec(message)?.[1] ?? /: (\w+)\.\S+ "\S+" is invalid: /.exec(message)?.[1] ?? ''
  return Array.from(message.matchAll(isStatus(thrown, 422) ? UNKNOWN_VALUE : UNKNOWN_FIELD), ([, path = '']) => ({
    kind,
    path: path.replaceAll(/\[[^\]]*\]/g, ''),
  }))
}

/** Whether a namespace that is being deleted takes no new object: whatever is in it will be deleted as well. */
export const isNamespaceTerminating = (thrown: unknown): boolean =>
  isStatus(thrown, 403) && thrown.message.includes('because it is being terminated')

/** Whether the server no longer knows the version a watch began at, or (restored from a backup) does not know it yet. */
export const isVersionExpired = (thrown: unknown): boolean =>
  thrown instanceof KubeError &&
  (thrown.status === 410 ||
    thrown.status === 400 ||
    (thrown.status === 504 && /too large resource version/i.test(thrown.message)))

/** The error inside an ERROR event, whose object is a `Status`. */
export function watchError(path: string, object: unknown): KubeError {
  const status = object as { code?: number; reason?: string; message?: string; details?: { retryAfterSeconds?: number } }
  const seconds = status.details?.retryAfterSeconds
  return new KubeError(`watch ${path}`, status.code ?? 500, status, seconds && seconds * 1000)
}

/** Bytes of an error response that are read; the rest is dropped. */
const MAX_ERROR_BYTES = 64 * 1024

/** An answer that is no success. */
interface ErrorResponse {
  statusCode: number
  headers: IncomingHttpHeaders
  body: AsyncIterable<unknown>
}

/** Reads an error response; `attempt` is the method and path of the request. */
export async function refusalOf(attempt: string, { statusCode, headers, body }: ErrorResponse): Promise<KubeError> {
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop early destroys the body, and with it the connection: the rest is not needed.
  for await (const chunk of body) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_ERROR_BYTES) break
  }
  return new KubeError(
    attempt,
    statusCode,
    statusOf(Buffer.concat(chunks).toString('utf8')),
    retryAfterMsOf(headers['retry-after']),
  )
}

function statusOf(text: string): { reason?: string; message?: string } {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string }
    return { ...(reason && { reason }), ...(message && { message }) }
  } catch {
    return { message: text.slice(0, 200) } // a load balancer in between answers in plain text
  }
}

// In seconds; the API server writes no dates there.
const retryAfterMsOf = (header: string | string[] | undefined): number | undefined => {
  const seconds = Number(header)
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}
