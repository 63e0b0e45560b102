import type { Clock } from './clock.ts'
import type { HttpResponse } from './http-response.ts'
import { prepared } from './representation.ts'

/**
 * A cached answer is kept a millisecond for this many bytes: one below 10 kB is rebuilt on each change, one of 10 MB at most once
 * a second.
 */
const BYTES_PER_MS = 10_000
/** And for so many times as long as it took to build: a short answer may come from much data. */
const TIMES_BUSY = 10

/** How long an answer is kept although its data has changed. */
export const freshForMs = (bytes: number, busyMs: number): number =>
  Math.floor(Math.max(bytes / BYTES_PER_MS, TIMES_BUSY * busyMs))

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
    const builtAt = clock.monotonic()
    last = { version: current, answer, freshUntil: builtAt + freshForMs(bytes.length, builtAt - now) }
    return answer
  }
}
