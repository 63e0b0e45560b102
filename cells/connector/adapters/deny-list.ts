import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'

/** Wallets that are not let in (comms.md §4.6). Answers from memory: a handshake never waits for somebody else's server. */
export interface DenyList extends Running {
  has(peer: PeerId): boolean
  readonly size: number
}

/** Nobody is denied. */
export const emptyDenyList: DenyList = { has: () => false, size: 0, stop: async () => {} }

const REFRESH_MS = 5 * 60_000
const RETRY_MS = 30_000
const TIMEOUT_MS = 5_000
const MAX_BYTES = 8 * 1024 * 1024

/** The deny list at a URL: fetched in the background every five minutes, the last good one kept while it cannot be had. */
export function httpDenyList(url: string, { clock, log }: { clock: Clock; log: Log }): DenyList {
  let denied: ReadonlySet<PeerId> = new Set()
  let fresh = false
  const refreshing = repeat({
    clock,
    log,
    delayMs: () => (fresh ? REFRESH_MS : RETRY_MS),
    task: async () => {
      const fetched = await fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
      const wallets = fetched.ok && fetched.status === 200 ? walletsOf(fetched.body) : undefined
      fresh = wallets !== undefined
      if (wallets) denied = wallets
      else log.warn({ url, reason: fetched.ok ? `status ${fetched.status}` : fetched.reason }, 'the deny list cannot be read')
    },
  })
  return {
    has: (peer) => denied.has(peer),
    get size() {
      return denied.size
    },
    stop: () => refreshing.stop(),
  }
}

/** The wallets of a deny list; one without `users` is empty, nothing when it is no deny list at all. */
function walletsOf(body: unknown): ReadonlySet<PeerId> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { users = [] } = body as { users?: unknown }
  if (!Array.isArray(users)) return undefined
  return new Set(users.flatMap((user: { wallet?: unknown } | null) => parsePeerId(user?.wallet) ?? []))
}
