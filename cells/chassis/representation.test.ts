import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import type { HttpResponse } from './http-response.ts'
import { prepared, representationFor } from './representation.ts'

const body = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ parcel: `${i},${-i}` }))))
const tagOf = (answer: HttpResponse) => answer.headers?.etag ?? ''

/** The answer once the body has been compressed in the background. */
async function compressed(answer: HttpResponse, accepted: string): Promise<HttpResponse> {
  let given = answer
  await vi.waitFor(() => {
    given = representationFor(answer, { 'accept-encoding': accepted })
    expect(given.headers).toHaveProperty('content-encoding')
  })
  return given
}

test('a prepared body is sent in the shortest coding that the client accepts, once it has been compressed', async () => {
  const answer = prepared(body)
  expect(representationFor(answer, { 'accept-encoding': 'gzip, br' })).toMatchObject({ body })
  const brotli = await compressed(answer, 'gzip, deflate, br;q=0.5')
  expect(brotli.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding', 'content-type': 'application/json' })
  expect(brotliDecompressSync(brotli.body as Buffer)).toEqual(body)
  const gzip = await compressed(answer, 'GZIP')
  expect(gzip.headers).toMatchObject({ 'content-encoding': 'gzip' })
  expect(gunzipSync(gzip.body as Buffer)).toEqual(body)
  expect(new Set([answer, brotli, gzip].map(tagOf)).size).toBe(3)
  for (const accepted of [undefined, '', 'identity', 'br;q=0, gzip; q=0.000', 'deflate', '*'])
    expect(representationFor(answer, accepted === undefined ? {} : { 'accept-encoding': accepted })).toMatchObject({ body })
})

test('a client that has the body, in whatever coding, is not sent it', async () => {
  const answer = prepared(body, { vary: 'CF-IPCountry', 'cache-control': 'public' })
  const tags = [tagOf(answer), tagOf(await compressed(answer, 'br')), tagOf(await compressed(answer, 'gzip'))]
  for (const tag of tags) {
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      expect(representationFor(answer, { 'if-none-match': known, 'accept-encoding': 'br' })).toEqual({
        status: 304,
        headers: { etag: tagOf(answer), 'cache-control': 'public', vary: 'Accept-Encoding, CF-IPCountry' },
      })
    }
  }
  expect(representationFor(answer, { 'if-none-match': '"other"' })).toMatchObject({ status: 200, body })
})

test('short bodies, bodies made for one request and other statuses are sent as they are', async () => {
  const headers = { 'accept-encoding': 'br', 'if-none-match': '*' }
  for (const answer of [
    { status: 200, body: 'x'.repeat(5_000) },
    { status: 200, body },
    { ...prepared(body), status: 503 },
  ])
    expect(representationFor(answer, headers)).toBe(answer)
  const short = prepared(Buffer.from('{}'))
  for (let i = 0; i < 3; i++) {
    expect(representationFor(short, { 'accept-encoding': 'br' }).headers).not.toHaveProperty('content-encoding')
    await new Promise(setImmediate)
  }
})
