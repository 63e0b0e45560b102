import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'

/** Wallets that get no token. Answers from memory: no request ever waits for somebody else's server. */
export interface DenyList extends Running {
  has(wallet: PeerId): boolean
  /** False while the list was never read: then nobody can say who is on it, and nobody gets in (gatekeeper.md §11.4). */
  readonly known: boolean
  readonly size: number
}

/** Nobody is denied. */
export const emptyDenyList: DenyList = { has: () => false, known: true, size: 0, stop: async () => {} }

const REFRESH_MS = 5 * 60_000
const RETRY_MS = 10_000
const TIMEOUT_MS = 5_000
const MAX_BYTES = 8 * 1024 * 1024

/** The deny list at a URL, `{"users":[{"wallet":"0x…"}]}`: read in the background, the last one kept while it cannot be had. */
export function httpDenyList(url: string, { clock, log }: { clock: Clock; log: Log }): DenyList {
  let denied: ReadonlySet<PeerId> | undefined
  let fresh = false
  const refreshing = repeat({
    clock,
    log,
    delayMs: () => (fresh ? REFRESH_MS : RETRY_MS),
    task: async () => {
      const fetched = await fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
      fresh = fetched.ok && fetched.status === 200
      if (fetched.ok && fresh) denied = walletsOf(fetched.body)
      else log.warn({ url, reason: fetched.ok ? `status ${fetched.status}` : fetched.reason }, 'the deny list cannot be read')
    },
  })
  return {
    has: (wallet) => denied?.has(wallet) ?? false,
    get known() {
      return denied !== undefined
    },
    get size() {
      return denied?.size ?? 0
    },
    stop: () => refreshing.stop(),
  }
}

/** The wallets of a deny list; a list of another shape is empty, as upstream reads it. */
function walletsOf(body: unknown): ReadonlySet<PeerId> {
  const users = typeof body === 'object' && body !== null && 'users' in body ? body.users : []
  return new Set(
    Array.isArray(users) ? users.flatMap((user: { wallet?: unknown } | null) => parsePeerId(user?.wallet) ?? []) : [],
  )
}
