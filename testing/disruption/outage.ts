const EVERY_MS = 250
const TIMEOUT_MS = 5_000

/** How long nobody answered as wished, at most, and what was said or happened instead, each with how often. */
export interface Silence {
  ms: number
  instead: Readonly<Record<string, number>>
}

/** Asks a URL again and again, each time on a line of its own as somebody new would, and tells how long it did not answer at most. */
export function watch(url: string): { stop(): Silence } {
  const instead: Record<string, number> = {}
  let lastAtMs = performance.now()
  let longestMs = 0
  let isFailing = false
  const ask = async () => {
    const askedAtMs = performance.now()
    const what = await outcomeOf(url)
    if (what === '200') {
      if (isFailing || performance.now() - askedAtMs > EVERY_MS) longestMs = Math.max(longestMs, performance.now() - lastAtMs)
      lastAtMs = Math.max(lastAtMs, askedAtMs)
      isFailing = false
    } else {
      isFailing = true
      instead[what] = (instead[what] ?? 0) + 1
    }
  }
  const asking = setInterval(() => void ask(), EVERY_MS)
  return {
    stop: () => {
      clearInterval(asking)
      return { ms: isFailing ? Math.max(longestMs, performance.now() - lastAtMs) : longestMs, instead }
    },
  }
}

/** The status of an answer, or why there is none. */
const outcomeOf = (url: string): Promise<string> =>
  fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return String(answer.status)
    },
    (error: Error) => error.name,
  )
