const EVERY_MS = 250
const TIMEOUT_MS = 5_000

/** Asks a URL again and again, each time on a line of its own as somebody new would, and tells how long it did not answer at most. */
export function watch(url: string): { stop(): number } {
  let lastAtMs = performance.now()
  let awayMs = 0
  let isFailing = false
  const ask = async () => {
    const askedAtMs = performance.now()
    const headers = { connection: 'close' }
    const isWell = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
      async (answer) => (await answer.arrayBuffer()) && answer.ok,
      () => false,
    )
    if (isWell) {
      if (isFailing || performance.now() - askedAtMs > EVERY_MS) awayMs = Math.max(awayMs, performance.now() - lastAtMs)
      lastAtMs = Math.max(lastAtMs, askedAtMs)
      isFailing = false
    } else isFailing = true
  }
  const asking = setInterval(() => void ask(), EVERY_MS)
  return {
    stop: () => {
      clearInterval(asking)
      return isFailing ? Math.max(awayMs, performance.now() - lastAtMs) : awayMs
    },
  }
}
