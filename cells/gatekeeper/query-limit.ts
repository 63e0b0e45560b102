import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { isInternalAddress, type TrustedProxies } from '../chassis/client-address.ts'
import { TokenBucket } from '../chassis/token-bucket.ts'

const RATE = { burst: 60, perSecond: 10 }
const MAX_ADDRESSES = 20_000

/**
 * Limits the queries of each client address. Connectors ask about every player they have, and connect to the gatekeeper directly
 * from inside the cluster: such a connection, without the header of a proxy, is not limited.
 */
export class QueryLimit {
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_ADDRESSES })
  readonly #proxies: TrustedProxies

  constructor(proxies: TrustedProxies) {
    this.#proxies = proxies
  }

  /** Takes one query, or returns in how many milliseconds the address may send the next one. */
  waitMs({ headers, remoteAddress }: { headers: IncomingHttpHeaders; remoteAddress: string }, nowMs: number): number {
    if (headers['x-forwarded-for'] === undefined && isInternalAddress(remoteAddress)) return 0
    const { network: address } = this.#proxies.clientOf({ headers, socket: { remoteAddress } as IncomingMessage['socket'] })
    const bucket = this.#buckets.get(address) ?? new TokenBucket(RATE, nowMs)
    this.#buckets.set(address, bucket)
    return bucket.take(nowMs) ? 0 : Math.max(1, bucket.waitMs(nowMs))
  }
}
