import { z } from 'zod'
import type { Clock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import { type Rate, TokenBucket } from '../../chassis/token-bucket.ts'
import type { PolledMap } from '../adapters/map-poller.ts'
import type { PublishedRealm } from '../core/published-realm.ts'

export interface LookupOptions {
  maps: () => readonly PolledMap[]
  statsUrlOf: (realm: PublishedRealm) => string | undefined
  onlyRemote: boolean
  clock: Pick<Clock, 'monotonic'>
}

/** Of all viewers together: each look-up asks the statistics of a realm, one for a wallet those of every realm. */
const RATE: Rate = { perSecond: 5, burst: 20 }
const TIMEOUT_MS = 2_000
const MAX_PEER_BYTES = 4 * 1024
const MAX_ISLAND_BYTES = 512 * 1024
const MAX_MEMBERS = 1_000

const position = z.tuple([z.number(), z.number(), z.number()])
const peer = z.object({
  id: z.string().max(64),
  lastPing: z.number(),
  parcel: z.tuple([z.number(), z.number()]),
  position,
})
const foundPeer = z.object({ ok: z.literal(true), peer })
const foundIsland = z.object({
  id: z.string().max(128),
  maxPeers: z.number(),
  center: position,
  radius: z.number(),
  peers: z.array(peer),
})

/** Asks statistics for one peer or one island, when a viewer wants to know. */
export class Lookup {
  readonly #options: LookupOptions
  readonly #bucket: TokenBucket

  constructor(options: LookupOptions) {
    this.#options = options
    this.#bucket = new TokenBucket(RATE, options.clock.monotonic())
  }

  /** Where a wallet is, in every realm that has it. @throws Refusal UNAVAILABLE beyond the rate, INVALID for no wallet */
  async peer(wallet: string) {
    if (!/^0x[0-9a-f]{40}$/i.test(wallet)) throw new Refusal('INVALID', 'a wallet is 0x and 40 hexadecimal digits')
    this.#take()
    const answers = await Promise.all(
      this.#options.maps().map(async ({ key, realm }) => {
        const answer = await this.#get(realm, `/peers/${wallet.toLowerCase()}`, MAX_PEER_BYTES)
        const found = foundPeer.safeParse(answer)
        return found.success ? [{ realm: key, realmName: realm.realmName, ...found.data.peer }] : []
      }),
    )
    return { peers: answers.flat() }
  }

  /**
   * An island of a realm; without wallets its peers are places only.
   *
   * @throws Refusal NOT_FOUND where there is none, UNAVAILABLE beyond the rate
   */
  async island(key: string, id: string, withWallets: boolean) {
    const polled = this.#options.maps().find((each) => each.key === key)
    if (!polled) throw new Refusal('NOT_FOUND', 'there is no such realm on the console')
    this.#take()
    const found = foundIsland.safeParse(await this.#get(polled.realm, `/islands/${encodeURIComponent(id)}`, MAX_ISLAND_BYTES))
    if (!found.success) throw new Refusal('NOT_FOUND', 'there is no such island')
    const { peers, ...island } = found.data
    const shown = peers.slice(0, MAX_MEMBERS).map(({ id: wallet, ...rest }) => ({ ...rest, wallet: withWallets ? wallet : null }))
    return { realm: key, realmName: polled.realm.realmName, ...island, size: peers.length, peers: shown }
  }

  #take(): void {
    if (!this.#bucket.take(this.#options.clock.monotonic())) throw new Refusal('UNAVAILABLE', 'too many look-ups; try again')
  }

  async #get(realm: PublishedRealm, path: string, maxBytes: number): Promise<unknown> {
    const { statsUrlOf, onlyRemote } = this.#options
    const url = statsUrlOf(realm)
    if (!url) return undefined
    const answer = await fetchJson(url + path, { timeoutMs: TIMEOUT_MS, maxBytes, onlyRemote })
    return answer.ok && answer.status === 200 ? answer.body : undefined
  }
}
