import type { Clock } from './clock.ts'
import type { HttpResponse } from './http-response.ts'
import { prepared } from './representation.ts'

/**
 * A cached answer is kept a millisecond for this many bytes: one below 10 kB is rebuilt on each change, one of 10 MB at most once
 * a second.
 */
const BYTES_PER_MS = 10_000

/**
 * Builds an answer once per change, however many clients request it. Where the data changes all the time, a long answer is also
 * kept for about ten times as long as it takes to build, so that polling clients cannot use up the processor.
 */
export function cachedAnswer(version: () => unknown, clock: Pick<Clock, 'monotonic'>, body: () => unknown): () => HttpResponse {
  let last: { version: unknown; answer: HttpResponse; freshUntil: number } | undefined
  return () => {
    const current = version()
    const now = clock.monotonic()
    if (last && (last.version === current || now < last.freshUntil)) return last.answer
    const bytes = Buffer.from(JSON.stringify(body()))
    const answer = prepared(bytes)
    last = { version: current, answer, freshUntil: now + Math.floor(bytes.length / BYTES_PER_MS) }
    return answer
  }
}
