import { LRUCache } from 'lru-cache'
import type { Clock } from '../chassis/clock.ts'
import type { ClaimedSignature } from './chain.ts'

/** Characters in all: the delegations of some 20,000 players, in about 8 MB. */
const MAX_CHARACTERS = 8_000_000
/** A contract may stop to accept a signature, so it is asked again after this time; a key never does. */
const CONTRACT_TTL_MS = 60_000

/**
 * Delegations whose signature was found valid: a player who returns within the day brings the same one. Only valid ones are kept, so
 * a stranger who would fill this needs a wallet's signature for each entry. Whether a delegation has expired is no matter of its
 * signature, and is not decided here.
 */
export class KnownDelegations {
  readonly #known: LRUCache<string, true>

  constructor(clock: Clock) {
    this.#known = new LRUCache({
      maxSize: MAX_CHARACTERS,
      sizeCalculation: (_, key) => key.length,
      perf: { now: () => clock.monotonic() },
      ttlResolution: 0,
    })
  }

  has(signature: ClaimedSignature): boolean {
    return signature.isDelegation && this.#known.get(keyOf(signature)) === true
  }

  /** Remembers a valid signature, if it is one of a delegation. */
  add(signature: ClaimedSignature): void {
    if (!signature.isDelegation) return
    this.#known.set(keyOf(signature), true, signature.checkedBy === 'contract' ? { ttl: CONTRACT_TTL_MS } : {})
  }
}

// A signature has no line break, so different delegations have different keys.
const keyOf = ({ checkedBy, signer, signature, text }: ClaimedSignature): string => `${checkedBy} ${signer} ${signature}\n${text}`
