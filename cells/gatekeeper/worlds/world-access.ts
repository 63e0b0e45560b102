import { createHash, timingSafeEqual } from 'node:crypto'
import type { HostedWorld } from '../../../crds/world.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import { type Rate, TokenBucket } from '../../chassis/token-bucket.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Metadata, SignedFormat } from '../core/signed-request.ts'

/** A player who wants to enter a world. */
export interface WorldVisitor {
  wallet: PeerId
  /** The shared secret that the explorer sent; undefined = it sent none. */
  secret: string | undefined
  /** A legacy signature covers no case, so what it signs is in lower case. */
  format: SignedFormat
}

export type AccessVerdict = 'allowed' | 'denied' | 'noSecret' | 'wrongSecret'

/** The shared secret in the metadata of a request. */
export const secretIn = ({ secret }: Metadata): string | undefined => (typeof secret === 'string' ? secret : undefined)

/** What the Unity explorer sends before its player has typed a secret. */
const NO_SECRET = '__missing_secret__'

/**
 * Whether a player may enter.
 *
 * @param secretOf the text of a key among the secrets of this gatekeeper; undefined = there is none
 */
export function judgeAccess(
  { access }: HostedWorld,
  { wallet, secret: given, format }: WorldVisitor,
  secretOf: (key: string) => string | undefined,
): AccessVerdict {
  if (access.type === 'Public') return 'allowed'
  if (access.type === 'Allowlist') return access.wallets.includes(wallet) ? 'allowed' : 'denied'
  if (given === undefined || given === '' || given.toLowerCase() === NO_SECRET) return 'noSecret'
  const secret = access.key === undefined ? undefined : secretOf(access.key)
  // A Secret that is missing or empty opens no world.
  if (!secret) return 'wrongSecret'
  const spelled = (text: string) => (format === 'legacy' ? text.toLowerCase() : text)
  return isEqual(spelled(given), spelled(secret)) ? 'allowed' : 'wrongSecret'
}

/** Takes the same time wherever the two differ, and however long they are. */
const isEqual = (a: string, b: string): boolean => timingSafeEqual(digestOf(a), digestOf(b))
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Of one client from outside; and of an address inside the cluster, behind which any number of players may be. */
const OUTSIDE: Rate = { burst: 3, perSecond: 3 / 60 }
const INSIDE: Rate = { burst: 60, perSecond: 1 }
const MAX_REMEMBERED = 20_000

/** Limits the wrong secrets for each world, by the network of the client: wallets cost nothing, so they are not what is limited. */
export class SecretTries {
  readonly #buckets = growingCache<string, TokenBucket>(MAX_REMEMBERED)

  /** Milliseconds until the client may try again; 0 = now. */
  waitMs(world: string, client: Client, nowMs: number): number {
    return Math.ceil(this.#buckets.get(keyOf(world, client))?.waitMs(nowMs) ?? 0)
  }

  count(world: string, client: Client, nowMs: number): void {
    const key = keyOf(world, client)
    const bucket = this.#buckets.get(key) ?? new TokenBucket(client.isInside ? INSIDE : OUTSIDE, nowMs)
    bucket.take(nowMs)
    this.#buckets.set(key, bucket)
  }

  /** A client that knows the secret starts anew. */
  forget(world: string, client: Client): void {
    this.#buckets.delete(keyOf(world, client))
  }
}

/** Where a request comes from. */
export interface Client {
  network: string
  isInside: boolean
}

const keyOf = (world: string, { network }: Client): string => `${world} ${network}`
