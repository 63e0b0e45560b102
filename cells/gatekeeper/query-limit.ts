import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isInternalAddress, peerAddressOf, type TrustedProxies } from '../chassis/client-address.ts'
import { growingCache } from '../chassis/growing-cache.ts'
import { json } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'

/** For one client from outside, and for all clients behind one address or IPv6 network of a household. */
const OUTSIDE: Rate = { burst: 60, perSecond: 10 }
/**
 * For one address inside the cluster that connects directly, as connectors do. A connector sends one query for each player who
 * signs in, and it cannot check the signatures of a thousand in a second; all its players, several thousand, may come back at once.
 * Behind an address inside there may also be strangers, such as clients that a node forwards without naming them: what they can
 * have then is a small part of what a gatekeeper answers in a second.
 */
const INSIDE: Rate = { burst: 5_000, perSecond: 1_000 }
/** Wallets in one query that are as much work as one more query. */
const WALLETS_PER_QUERY = 100
const MAX_ADDRESSES = 20_000

/** Limits the queries of each client address. */
export class QueryLimit {
  readonly #buckets = growingCache<string, TokenBucket>(MAX_ADDRESSES)
  readonly #proxies: TrustedProxies

  constructor(proxies: TrustedProxies) {
    this.#proxies = proxies
  }

  /**
   * Takes one query, or returns in how many milliseconds the address may send it again.
   *
   * @param wallets how many wallets the query is about
   */
  waitMs(
    { headers, remoteAddress }: { headers: IncomingHttpHeaders; remoteAddress: string },
    nowMs: number,
    wallets = 1,
  ): number {
    const socket = { remoteAddress } as IncomingMessage['socket']
    if (headers['x-forwarded-for'] === undefined && isInternalAddress(remoteAddress)) {
      // The whole address: all pods of a node may have one IPv6 network.
      const queries = 1 + Math.floor(wallets / WALLETS_PER_QUERY)
      return this.#take(`inside ${peerAddressOf(socket)}`, INSIDE, nowMs, queries)
    }
    return this.#take(this.#proxies.clientOf({ headers, socket }).network, OUTSIDE, nowMs, 1)
  }

  /** Takes one request; the answer to one beyond the limit of its address. */
  refusalTo(request: { headers: IncomingHttpHeaders; remoteAddress: string }, nowMs: number): HttpResponse | undefined {
    const waitMs = this.waitMs(request, nowMs)
    if (waitMs === 0) return undefined
    return json(429, { error: 'Too many requests from this address' }, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
  }

  #take(address: string, rate: Rate, nowMs: number, queries: number): number {
    const bucket = this.#buckets.get(address) ?? new TokenBucket(rate, nowMs)
    this.#buckets.set(address, bucket)
    return bucket.take(nowMs, queries) ? 0 : Math.max(1, bucket.waitMs(nowMs, queries))
  }
}
