import type { Clock } from '../chassis/clock.ts'
import { type FetchResult, fetchJson } from '../chassis/fetch-json.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import { type PeerId, parsePeerId } from '../wire/peer.ts'

/** Wallets that are refused (comms.md §4.6). Answers from memory: neither a handshake nor a request waits for another server. */
export interface DenyList extends Running {
  has(wallet: PeerId): boolean
  /** False until the list was read for the first time; until then it is not known which wallets are on it. */
  readonly known: boolean
  /** Wallets on the list as last read. */
  readonly size: number
}

/** A list without wallets, for services that are configured without one. */
export const emptyDenyList: DenyList = { has: () => false, known: true, size: 0, stop: async () => {} }

export interface DenyListOptions {
  /** Serves `{"users":[{"wallet":"0x…"}]}`. */
  url: string
  clock: Clock
  log: Log
  /** Milliseconds until the next attempt after one that failed. */
  retryMs: number
  /** Called after each time the list was read: a wallet that is connected may be on it now. */
  onRead?: (() => void) | undefined
}

const REFRESH_MS = 5 * 60_000
const TIMEOUT_MS = 5_000
const MAX_BYTES = 8 * 1024 * 1024

/**
 * The deny list at a URL: read in the background every five minutes. While the URL fails, or answers with anything but an array
 * of users, the list read before is kept: an error of its server must not lift it.
 */
export class HttpDenyList implements DenyList {
  readonly #options: DenyListOptions
  readonly #refreshing: Running
  #wallets: ReadonlySet<PeerId> | undefined
  #isFresh = false

  constructor(options: DenyListOptions) {
    const { clock, log, retryMs } = options
    this.#options = options
    this.#refreshing = repeat({
      clock,
      log,
      delayMs: () => (this.#isFresh ? REFRESH_MS : retryMs),
      task: () => this.#refresh(),
    })
  }

  has(wallet: PeerId): boolean {
    return this.#wallets?.has(wallet) ?? false
  }

  get known(): boolean {
    return this.#wallets !== undefined
  }

  get size(): number {
    return this.#wallets?.size ?? 0
  }

  stop(): Promise<void> {
    return this.#refreshing.stop()
  }

  async #refresh(): Promise<void> {
    const { url, log } = this.#options
    const fetched = await fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
    const wallets = walletsOf(fetched)
    this.#isFresh = wallets !== undefined
    if (!wallets) {
      log.warn({ url, reason: problemOf(fetched) }, 'the deny list cannot be read')
      return
    }
    this.#wallets = wallets
    this.#options.onRead?.()
  }
}

/** The wallets of a deny list; entries that name no wallet are ignored. Undefined for an answer of another shape. */
function walletsOf(fetched: FetchResult): ReadonlySet<PeerId> | undefined {
  if (!fetched.ok || fetched.status !== 200 || typeof fetched.body !== 'object' || fetched.body === null) return undefined
  const { users } = fetched.body as { users?: unknown }
  if (!Array.isArray(users)) return undefined
  return new Set(users.flatMap((user: { wallet?: unknown } | null) => parsePeerId(user?.wallet) ?? []))
}

function problemOf(fetched: FetchResult): string {
  if (!fetched.ok) return fetched.reason
  return fetched.status === 200 ? 'the answer has no array of users' : `status ${fetched.status}`
}
