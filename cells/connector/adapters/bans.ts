import { LRUCache } from 'lru-cache'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { PeerId } from '../../wire/peer.ts'

/**
 * Whether the platform banned a wallet (comms.md §4.6). Never rejects; while the gatekeeper does not answer, a wallet counts as it
 * did last, and one that was never looked up as not banned.
 */
export interface Bans {
  isBanned(peer: PeerId): Promise<boolean>
}

/** No wallet is banned: for connectors without a gatekeeper. */
export const noBans: Bans = { isBanned: async () => false }

const TIMEOUT_MS = 1_000
const MAX_BYTES = 64 * 1024

/** Banned wallets that are remembered; the one looked up longest ago is forgotten first. */
const MAX_REMEMBERED = 10_000

/** Asks the gatekeeper at `url`. */
export function gatekeeperBans(url: string): Bans {
  const banned = new LRUCache<PeerId, true>({ max: MAX_REMEMBERED })
  return {
    async isBanned(peer) {
      const answer = await lookUp(`${withoutTrailingSlash(url)}/users/${peer}/bans`)
      if (answer === undefined) return banned.get(peer) === true
      if (answer) banned.set(peer, true)
      else banned.delete(peer)
      return answer
    },
  }
}

/** What a gatekeeper answers; undefined when it does not say. */
async function lookUp(url: string): Promise<boolean | undefined> {
  const fetched = await fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
  if (!fetched.ok || fetched.status < 200 || fetched.status > 299) return undefined
  const { data } = (fetched.body ?? {}) as { data?: { isBanned?: unknown } | null }
  return typeof data?.isBanned === 'boolean' ? data.isBanned : undefined
}
