const EVERY_MS = 250
const TIMEOUT_MS = 5_000

/** The longest time in which a URL was not answered with 200, and how often it was answered otherwise: by status or name of the error. */
export interface Outage {
  ms: number
  otherAnswers: Readonly<Record<string, number>>
}

/** Requests a URL four times a second, each time on a new connection as a new client would, until it is stopped. */
export function pollUrl(url: string): { stop(): Outage } {
  const otherAnswers: Record<string, number> = {}
  let lastAtMs = performance.now()
  let longestMs = 0
  let isFailing = false
  const poll = async () => {
    const requestedAtMs = performance.now()
    const result = await resultOf(url)
    if (result === '200') {
      if (isFailing || performance.now() - requestedAtMs > EVERY_MS) longestMs = Math.max(longestMs, performance.now() - lastAtMs)
      lastAtMs = Math.max(lastAtMs, requestedAtMs)
      isFailing = false
    } else {
      isFailing = true
      otherAnswers[result] = (otherAnswers[result] ?? 0) + 1
    }
  }
  const polling = setInterval(() => void poll(), EVERY_MS)
  return {
    stop: () => {
      clearInterval(polling)
      return { ms: isFailing ? Math.max(longestMs, performance.now() - lastAtMs) : longestMs, otherAnswers }
    },
  }
}

/** The status of the answer, or the name of the error. */
const resultOf = (url: string): Promise<string> =>
  fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return String(answer.status)
    },
    (error: Error) => error.name,
  )
