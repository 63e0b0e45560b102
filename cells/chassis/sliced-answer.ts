import { createHash, type Hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { freshForMs } from './cached-answer.ts'
import type { Clock } from './clock.ts'
import type { HttpResponse } from './http-response.ts'
import { entityTagOf, prepared } from './representation.ts'

/** For so long nothing else runs while an answer is built. */
const SLICE_MS = 2

/**
 * As `cachedAnswer`, for answers that take longer to build than other requests may wait: one of a hundred thousand entries is built
 * in slices of two milliseconds. Its entries may therefore be of different moments.
 *
 * @param pieces the body, in pieces of some kilobytes at most; an empty one is a place to pause
 */
export function slicedAnswer(
  version: () => unknown,
  clock: Pick<Clock, 'monotonic'>,
  pieces: () => Iterable<string>,
): () => Promise<HttpResponse> {
  let last: { version: unknown; answer: HttpResponse; freshUntil: number } | undefined
  let building: Promise<HttpResponse> | undefined
  const build = async () => {
    const current = version()
    const { body, etag, busyMs } = await joined(pieces(), clock)
    const answer = prepared(body, { etag })
    last = { version: current, answer, freshUntil: clock.monotonic() + freshForMs(body.length, busyMs) }
    return answer
  }
  return async () => {
    if (last && (last.version === version() || clock.monotonic() < last.freshUntil)) return last.answer
    building ??= build().finally(() => {
      building = undefined
    })
    return building
  }
}

async function joined(pieces: Iterable<string>, clock: Pick<Clock, 'monotonic'>) {
  const hash = createHash('sha256')
  const buffers: Buffer[] = []
  let text = ''
  let busyMs = 0
  let begunAt = clock.monotonic()
  const flush = () => {
    buffers.push(taken(text, hash))
    text = ''
    busyMs += clock.monotonic() - begunAt
  }
  for (const piece of pieces) {
    text += piece
    if (clock.monotonic() - begunAt < SLICE_MS) continue
    flush()
    await setImmediate()
    begunAt = clock.monotonic()
  }
  flush()
  return { body: Buffer.concat(buffers), etag: entityTagOf(hash), busyMs }
}

function taken(text: string, hash: Hash): Buffer {
  const bytes = Buffer.from(text)
  hash.update(bytes)
  return bytes
}
