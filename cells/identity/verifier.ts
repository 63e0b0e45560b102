import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import type { Log } from '../chassis/log.ts'
import { siblingModule } from '../chassis/sibling-module.ts'
import type { PeerId } from '../wire/peer.ts'
import { claimedSigner } from './chain.ts'

/**
 * The wallet a chain speaks for, or why it is not valid. `undecided` means that the chain was not checked, because the verifier
 * is busy or shutting down: the client may try again.
 */
export type ChainVerdict = { ok: true; peer: PeerId } | { ok: false; reason: string; undecided?: true }

/** Checks auth chains off the event loop: each takes milliseconds of computing, and thousands may arrive at once. */
export interface ChainVerifier {
  /** Whether `chain` proves that its wallet signed `payload`. Never rejects. `nowMs` defaults to the wall clock. */
  verify(chain: AuthChain, payload: string, nowMs?: number): Promise<ChainVerdict>
  /** Chains waiting or under way. */
  readonly pending: number
  close(): Promise<void>
}

/** A verifier of worker threads. */
export interface ThreadedVerifier extends ChainVerifier {
  /**
   * Resolves once every thread has checked a chain: until then the first one waits while all it takes is loaded. Never rejects.
   */
  warmUp(): Promise<void>
}

/** The messages to a worker and back. */
export interface VerifyRequest {
  id: number
  chain: AuthChain
  payload: string
  nowMs: number
}
export interface VerifyResponse {
  id: number
  ok: boolean
  reason: string
  undecided?: true
}

/** What a worker is started with. */
export interface VerifyWorkerData {
  ethereumRpcUrl: string | undefined
  ethereumTimeoutMs: number
  maxEthereumChecks: number
}

export interface VerifierOptions {
  log: Log
  /** Threads; one less than the machine has cores, at least one, by default. */
  workers?: number
  /** Ethereum JSON-RPC for contract wallets (EIP-1654); without one they are refused. */
  ethereumRpcUrl?: string | undefined
  /** How long Ethereum may take over one chain; 10 s by default. */
  ethereumTimeoutMs?: number
  /** Contract wallets that may be checked at a time on each thread; beyond, they are refused. */
  maxEthereumChecks?: number
  /** Chains that may wait; beyond, a chain is refused at once instead of growing a queue. */
  maxPending?: number
}

const MAX_PENDING = 20_000
const ETHEREUM_TIMEOUT_MS = 10_000
const MAX_ETHEREUM_CHECKS = 32
const RESTART_AFTER_MS = 1_000

/** A valid chain of a wallet that is not in use. */
const WARM_UP: { payload: string; chain: AuthChain } = {
  payload: 'dcl-warm-up',
  chain: [
    { type: AuthLinkType.SIGNER, payload: '0x87e9D913fc249f125A1156B78663aa294a486B7c', signature: '' },
    {
      type: AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY,
      payload: 'dcl-warm-up',
      signature:
        '0xd4e2cca6a864a6ea74bbff0fe54d796ab130471547cafca9c3de6c416493932b31f0b035912eac8b85642a14cb55ec18b1b92e56fd3cd842be973a0c1b25ed951b',
    },
  ],
}

/** Starts the worker threads. A thread that ends is replaced. */
export function createVerifier(options: VerifierOptions): ThreadedVerifier {
  const { log, workers = Math.max(1, availableParallelism() - 1), maxPending = MAX_PENDING } = options
  const workerData: VerifyWorkerData = {
    ethereumRpcUrl: options.ethereumRpcUrl,
    ethereumTimeoutMs: options.ethereumTimeoutMs ?? ETHEREUM_TIMEOUT_MS,
    maxEthereumChecks: options.maxEthereumChecks ?? MAX_ETHEREUM_CHECKS,
  }
  const waiting = new Map<number, { thread: Worker; resolve: (answer: VerifyResponse) => void }>()
  const threads = new Set<Worker>()
  let nextId = 0
  let closing = false

  for (let i = 0; i < workers; i++) startThread()

  function startThread(): void {
    const thread = new Worker(siblingModule(import.meta.url, 'verify-worker'), { workerData })
    threads.add(thread)
    thread.unref()
    thread.on('message', settle)
    thread.on('error', (error) => log.error({ err: error }, 'a signature thread failed'))
    thread.on('exit', () => {
      threads.delete(thread)
      for (const [id, asked] of waiting) if (asked.thread === thread) settle({ id, ...undecided('the check was interrupted') })
      if (!closing) setTimeout(startThread, RESTART_AFTER_MS).unref()
    })
  }

  function settle(answer: VerifyResponse): void {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  }

  /** The threads take turns. */
  function nextThread(): Worker | undefined {
    const [thread] = threads
    if (!thread) return undefined
    threads.delete(thread)
    threads.add(thread)
    return thread
  }

  function ask(chain: AuthChain, payload: string, nowMs: number): Promise<VerifyResponse> {
    const id = nextId++
    const thread = nextThread()
    if (!thread) return Promise.resolve({ id, ...undecided('no thread is running to check signatures') })
    return new Promise((resolve) => {
      waiting.set(id, { thread, resolve })
      thread.postMessage({ id, chain, payload, nowMs } satisfies VerifyRequest)
    })
  }

  return {
    async warmUp() {
      // The threads take turns, so each gets one.
      await Promise.all([...threads].map(() => ask(WARM_UP.chain, WARM_UP.payload, Date.now())))
    },
    get pending() {
      return waiting.size
    },
    async verify(chain, payload, nowMs = Date.now()) {
      const peer = claimedSigner(chain)
      if (!peer) return { ok: false, reason: 'the chain must start with a wallet, delegate, and end with a signed entity' }
      if (closing) return undecided('shutting down')
      if (waiting.size >= maxPending) return undecided('too many signatures are waiting')
      const answer = await ask(chain, payload, nowMs)
      if (answer.ok) return { ok: true, peer }
      return answer.undecided ? undecided(answer.reason) : { ok: false, reason: answer.reason }
    },
    async close() {
      closing = true
      await Promise.all([...threads].map((thread) => thread.terminate()))
    },
  }
}

const undecided = (reason: string) => ({ ok: false, reason, undecided: true }) as const
