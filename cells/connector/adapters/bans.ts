import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { PeerId } from '../../wire/peer.ts'

/** Whether the platform banned a wallet (comms.md §4.6). Never rejects; while that is unknown, a wallet counts as not banned. */
export interface Bans {
  isBanned(peer: PeerId): Promise<boolean>
}

/** No wallet is banned: for connectors without a gatekeeper. */
export const noBans: Bans = { isBanned: async () => false }

const TIMEOUT_MS = 1_000
const MAX_BYTES = 64 * 1024

/** Asks the gatekeeper at `url`. */
export const gatekeeperBans = (url: string): Bans => ({
  async isBanned(peer) {
    const fetched = await fetchJson(`${withoutTrailingSlash(url)}/users/${peer}/bans`, {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    })
    if (!fetched.ok || fetched.status < 200 || fetched.status > 299) return false
    const { data } = (fetched.body ?? {}) as { data?: { isBanned?: unknown } | null }
    return data?.isBanned === true
  },
})
