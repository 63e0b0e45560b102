import { availableParallelism } from 'node:os'
import type { AuthChain } from '@dcl/schemas'
import type { ClientAddress } from '../chassis/client-address.ts'
import { type Clock, systemClock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { PeerId } from '../wire/peer.ts'
import { type ClaimedSignature, readChain } from './chain.ts'
import { ContractSignatures } from './contract-signatures.ts'
import { KnownDelegations } from './known-delegations.ts'
import type { SignatureLibrary } from './signature-library.ts'
import { SignatureThreads, type SignatureThreadsOptions } from './signature-threads.ts'

/**
 * The wallet a chain speaks for, or why it is not valid. `undecided` means that the chain was not checked, because the verifier or
 * Ethereum is busy, or the process shuts down: the client may try again.
 */
export type ChainVerdict = { ok: true; peer: PeerId } | { ok: false; reason: string; undecided?: true }

/** An auth chain, and what it is to prove. */
export interface ChainToVerify {
  chain: AuthChain
  /** The text that the last link has to sign. */
  payload: string
  /** The time by which delegations expire; the clock of the verifier by default. */
  nowMs?: number | undefined
}

/** Checks auth chains off the event loop, and no client at the expense of another. */
export interface ChainVerifier {
  /** Whether a chain proves that its wallet signed the payload. Never rejects. @param client for whom it is checked */
  verify(question: ChainToVerify, client: ClientAddress): Promise<ChainVerdict>
  /** Chains waiting or under way. */
  readonly pending: number
  /** The library that checks signatures; known once the first thread has loaded it. */
  readonly library: Promise<SignatureLibrary['name']>
  close(): Promise<void>
}

/** A verifier of worker threads. */
export interface ThreadedVerifier extends ChainVerifier {
  /** Resolves once every thread has loaded what it needs: until then the first chains wait for that. Never rejects. */
  warmUp(): Promise<void>
}

export interface VerifierOptions {
  log: Log
  clock?: Clock
  /** Threads; one less than the machine has cores, at least one, by default. */
  workers?: number
  /** Ethereum JSON-RPC for contract wallets (EIP-1654); without one they are refused. */
  ethereumRpcUrl?: string | undefined
  /** How long Ethereum may take to answer one call; 5 s by default. */
  ethereumTimeoutMs?: number
  /** Chains that may wait; beyond, a chain is refused at once instead of growing a queue. */
  maxWaiting?: number
  /** For tests: replaces the worker threads. */
  startThread?: SignatureThreadsOptions['startThread']
}

const MAX_WAITING = 10_000
/** Explorers try again after five seconds, or after a minute. */
const MAX_WAIT_MS = 10_000
const ETHEREUM_TIMEOUT_MS = 5_000
/** As many connections are opened to the server of Ethereum. */
const MAX_CONTRACTS_UNDER_WAY = 8
const MAX_CONTRACTS_WAITING = 200

/** Starts the threads. */
export function createVerifier(options: VerifierOptions): ThreadedVerifier {
  const { log, clock = systemClock, ethereumRpcUrl: url, maxWaiting = MAX_WAITING, startThread } = options
  const { workers = Math.max(1, availableParallelism() - 1), ethereumTimeoutMs: timeoutMs = ETHEREUM_TIMEOUT_MS } = options
  const waits = { clock, maxWaitMs: MAX_WAIT_MS }
  const keys = new SignatureThreads({ ...waits, log, maxWaiting, threads: workers, ...(startThread && { startThread }) })
  const contracts =
    url === undefined
      ? undefined
      : new ContractSignatures({
          ...waits,
          ...{ url, timeoutMs, maxUnderWay: MAX_CONTRACTS_UNDER_WAY, maxWaiting: MAX_CONTRACTS_WAITING },
        })
  const known = new KnownDelegations(clock)
  keys.library.then((library) => log.info({ library }, 'signatures are checked'))

  /** Undefined when all are valid. */
  async function objection(signatures: readonly ClaimedSignature[], client: ClientAddress): Promise<ChainVerdict | undefined> {
    const unknown = Map.groupBy(
      signatures.filter((signature) => !known.has(signature)),
      ({ checkedBy }) => checkedBy,
    )
    const [byKey = [], byContract = []] = [unknown.get('key'), unknown.get('contract')]
    if (byContract.length > 0 && !contracts) return refused('contract wallets are not accepted: no Ethereum server is configured')
    if (byKey.length > 0) {
      const verdict = await keys.check({ signatures: byKey }, client)
      if ('undecided' in verdict) return undecided(verdict.undecided)
      for (const signature of verdict.invalid < 0 ? byKey : byKey.slice(0, verdict.invalid)) known.add(signature)
      const invalid = byKey[verdict.invalid]
      if (invalid) return refused(`${invalid.isDelegation ? 'the delegation' : 'the text'} is not signed by ${invalid.signer}`)
    }
    for (const signature of byContract) {
      const verdict = contracts ? await contracts.check(signature, client) : { valid: false }
      if ('undecided' in verdict) return undecided(verdict.undecided)
      if (!verdict.valid) return refused(`the contract ${signature.signer} does not accept the signature`)
      known.add(signature)
    }
    return undefined
  }

  return {
    warmUp: () => keys.warmUp(),
    library: keys.library,
    get pending() {
      return keys.pending + (contracts?.pending ?? 0)
    },
    async verify({ chain, payload, nowMs = clock.now() }, client) {
      const claim = readChain(chain, payload, nowMs)
      if ('reason' in claim) return refused(claim.reason)
      return (await objection(claim.signatures, client)) ?? { ok: true, peer: claim.peer }
    },
    async close() {
      contracts?.close()
      await keys.close()
    },
  }
}

const refused = (reason: string) => ({ ok: false, reason }) as const
const undecided = (reason: string) => ({ ok: false, reason, undecided: true }) as const
