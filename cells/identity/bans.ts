import { withoutTrailingSlash } from '../chassis/base-url.ts'
import { fetchJson } from '../chassis/fetch-json.ts'
import { growingCache } from '../chassis/growing-cache.ts'
import { type PeerId, parsePeerId } from '../wire/peer.ts'

/** What is known of many wallets. */
export interface FoundBans {
  banned: ReadonlySet<PeerId>
  /** How many milliseconds ago wallets were kicked: only sessions that are older end. */
  kickedAgoMs: ReadonlyMap<PeerId, number>
  /** Whether the gatekeeper answered about each of them, and did not say that its bans are of another version than was asked for. */
  isComplete: boolean
}

/**
 * Whether the platform banned a wallet (comms.md §4.6). Never rejects; while the gatekeeper does not answer, a wallet counts as it
 * did last, and one that was never looked up as not banned.
 */
export interface Bans {
  isBanned(peer: PeerId): Promise<boolean>
  /** Which of many wallets are banned or were kicked, with few requests; `version` is that of the bans which answers should contain. */
  bannedOf(peers: readonly PeerId[], version?: string): Promise<FoundBans>
  /** Another text after every change of the bans, and every kick; undefined when the gatekeeper does not say. */
  version(): Promise<string | undefined>
}

/** No wallet is banned: for services without a gatekeeper. */
export const noBans: Bans = {
  isBanned: async () => false,
  bannedOf: async () => ({ banned: new Set(), kickedAgoMs: new Map(), isComplete: true }),
  version: async () => undefined,
}

/** The same bans; `onBanned` is called with each wallet that was found banned. */
export const observedBans = (bans: Bans, onBanned: (peer: PeerId) => void): Bans => ({
  async isBanned(peer) {
    const banned = await bans.isBanned(peer)
    if (banned) onBanned(peer)
    return banned
  },
  async bannedOf(peers, version) {
    const found = await bans.bannedOf(peers, version)
    for (const peer of found.banned) onBanned(peer)
    return found
  },
  version: () => bans.version(),
})

const TIMEOUT_MS = 1_000
const MAX_BYTES = 64 * 1024

/** As many as the gatekeeper takes in one query (`cells/gatekeeper/api/public-routes.ts`). */
const PEERS_PER_QUERY = 1_000
const MAX_CONCURRENT_LOOKUPS = 20

/** Banned wallets that are remembered; the one looked up longest ago is forgotten first. */
const MAX_REMEMBERED = 10_000

/** Asks the gatekeeper at `url`. */
export function gatekeeperBans(url: string): Bans {
  const users = `${withoutTrailingSlash(url)}/users`
  const remembered = growingCache<PeerId, true>(MAX_REMEMBERED)
  const learn = (peer: PeerId, isBanned: boolean | undefined): boolean => {
    if (isBanned) remembered.set(peer, true)
    else if (isBanned === false) remembered.delete(peer)
    return isBanned ?? remembered.get(peer) === true
  }
  return {
    isBanned: async (peer) => learn(peer, await lookUp(`${users}/${peer}/bans`)),
    async version() {
      const version = (await dataOf(`${users}/bans/version`))?.version
      return typeof version === 'string' ? version : undefined
    },
    async bannedOf(peers, version) {
      const banned = new Set<PeerId>()
      const kickedAgoMs = new Map<PeerId, number>()
      let answers = true
      let isComplete = true
      for (let from = 0; from < peers.length; from += PEERS_PER_QUERY) {
        const some = peers.slice(from, from + PEERS_PER_QUERY)
        // Gatekeepers of others have no such query.
        const known: LookedUp | undefined = answers
          ? ((await lookUpMany(`${users}/bans`, some, kickedAgoMs)) ?? (await lookUpEach(users, some)))
          : undefined
        answers = known !== undefined
        if (!known || known.bans.size < some.length || isOther(version, known.version)) isComplete = false
        for (const peer of some) if (learn(peer, known?.bans.get(peer))) banned.add(peer)
      }
      return { banned, kickedAgoMs, isComplete }
    },
  }
}

/** What a gatekeeper answered about some wallets, and of which version, if it says so. */
interface LookedUp {
  bans: ReadonlyMap<PeerId, boolean>
  version: string | undefined
}

const isOther = (wanted: string | undefined, version: string | undefined): boolean =>
  wanted !== undefined && version !== undefined && version !== wanted

/** What a gatekeeper answers; undefined when it does not say. */
async function lookUp(url: string): Promise<boolean | undefined> {
  const isBanned = (await dataOf(url))?.isBanned
  return typeof isBanned === 'boolean' ? isBanned : undefined
}

/** What a gatekeeper answers about many wallets, with those that were kicked; undefined when it does not say. */
async function lookUpMany(
  url: string,
  peers: readonly PeerId[],
  kickedAgoMs: Map<PeerId, number>,
): Promise<LookedUp | undefined> {
  const { banned, kicked, version } = (await dataOf(url, { addresses: peers })) ?? {}
  if (!Array.isArray(banned)) return undefined
  for (const kick of Array.isArray(kicked) ? (kicked as (Kick | null)[]) : []) {
    const { address, secondsAgo } = kick ?? {}
    const peer = parsePeerId(typeof address === 'string' ? address : undefined)
    if (peer && typeof secondsAgo === 'number') kickedAgoMs.set(peer, secondsAgo * 1_000)
  }
  const listed = new Set<unknown>(banned)
  return {
    bans: new Map(peers.map((peer) => [peer, listed.has(peer)])),
    version: typeof version === 'string' ? version : undefined,
  }
}

/** One request for each wallet; undefined as soon as none of those under way is answered. */
async function lookUpEach(users: string, peers: readonly PeerId[]): Promise<LookedUp | undefined> {
  const known = new Map<PeerId, boolean>()
  for (let from = 0; from < peers.length; from += MAX_CONCURRENT_LOOKUPS) {
    const before = known.size
    await Promise.all(
      peers.slice(from, from + MAX_CONCURRENT_LOOKUPS).map(async (peer) => {
        const isBanned = await lookUp(`${users}/${peer}/bans`)
        if (isBanned !== undefined) known.set(peer, isBanned)
      }),
    )
    if (known.size === before) return undefined
  }
  return { bans: known, version: undefined }
}

interface Kick {
  address?: unknown
  secondsAgo?: unknown
}

interface BanData {
  isBanned?: unknown
  banned?: unknown
  kicked?: unknown
  version?: unknown
}

async function dataOf(url: string, post?: object): Promise<BanData | undefined> {
  const fetched = await fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, post })
  if (!fetched.ok || fetched.status < 200 || fetched.status > 299) return undefined
  return ((fetched.body ?? {}) as { data?: object | null }).data ?? undefined
}
