import { createHash, type Hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { acceptedCodings, CompressedBodies, type ContentCoding } from './content-coding.ts'
import type { HttpResponse } from './http-response.ts'

const compressed = new CompressedBodies()

/** A 200 with a body that is made once and sent to many: with an entity tag, so that a client that has it already is not sent it. */
export const prepared = (body: Uint8Array, headers: HttpResponse['headers'] = {}): HttpResponse => ({
  status: 200,
  headers: {
    'content-type': 'application/json',
    ...headers,
    etag: headers.etag ?? entityTagOf(createHash('sha256').update(body)),
  },
  body,
  isPrepared: true,
})

/** A strong entity tag (RFC 9110 §8.8.3) by the hash of a body, which takes no more bytes then. */
export const entityTagOf = (hash: Hash): string => `"${hash.digest('base64url').slice(0, 22)}"`

/**
 * What a client is sent of an answer to GET or HEAD: a 304 where it has the body already, and a prepared body in a coding that it
 * accepts. Other answers are sent as they are.
 */
export function representationFor(answer: HttpResponse, request: IncomingHttpHeaders): HttpResponse {
  const { status, body, headers = {}, isPrepared = false } = answer
  const { etag, 'content-type': _, ...withoutType } = headers
  if (!isPrepared || status !== 200 || etag === undefined || !(body instanceof Uint8Array)) return answer
  const vary = headers.vary === undefined ? 'Accept-Encoding' : `Accept-Encoding, ${headers.vary}`
  const known = request['if-none-match']
  if (known !== undefined && isKnownTag(known, etag)) return { status: 304, headers: { ...withoutType, etag, vary } }
  const encoded = compressed.find(body, acceptedCodings(request['accept-encoding']))
  if (!encoded) return { status, body, headers: { ...headers, vary } }
  const { coding, bytes } = encoded
  return { status, body: bytes, headers: { ...headers, vary, etag: encodedTag(etag, coding), 'content-encoding': coding } }
}

/** A strong tag stands for one sequence of bytes, so each coding has its own. */
const encodedTag = (tag: string, coding: ContentCoding): string => tag.replace(/"$/, `-${coding}"`)

/** Whether a client has the body, in whatever coding; compared weakly (RFC 9110 §13.1.2). */
const isKnownTag = (ifNoneMatch: string, tag: string): boolean =>
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch.split(',').some(
    (known) =>
      known
        .trim()
        .replace(/^W\//, '')
        .replace(/-(?:br|gzip)"$/, '"') === tag,
  )
