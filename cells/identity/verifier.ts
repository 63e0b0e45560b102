import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { AuthChain } from '@dcl/schemas'
import type { Log } from '../chassis/log.ts'
import { sibling } from '../chassis/sibling.ts'
import type { PeerId } from '../wire/peer.ts'
import { claimedSigner } from './chain.ts'

/** What became of a chain: whose it is, or why nobody's. */
export type Verdict = { ok: true; peer: PeerId } | { ok: false; reason: string }

/** Checks auth chains off the event loop: each takes milliseconds of pure computing, and a storm brings thousands. */
export interface ChainVerifier {
  /** Whether `chain` proves that its wallet signed `payload`. Never rejects. `nowMs` defaults to the wall clock. */
  verify(chain: AuthChain, payload: string, nowMs?: number): Promise<Verdict>
  /** Chains waiting or under way. */
  readonly pending: number
  close(): Promise<void>
}

/** A question to a worker, and its answer. */
export interface VerifyQuestion {
  id: number
  chain: AuthChain
  payload: string
  nowMs: number
}
export interface VerifyAnswer {
  id: number
  ok: boolean
  reason: string
}

export interface VerifierOptions {
  log: Log
  /** Threads; one less than the machine has cores, at least one, unless told. */
  workers?: number
  /** Ethereum JSON-RPC for contract wallets (EIP-1654); without one they are refused. */
  ethereumRpcUrl?: string | undefined
  /** Chains that may wait; beyond, a chain is refused at once instead of growing a queue. */
  maxPending?: number
}

const MAX_PENDING = 20_000

/** Starts the worker threads. */
export function createVerifier(options: VerifierOptions): ChainVerifier {
  const { log, workers = Math.max(1, availableParallelism() - 1), ethereumRpcUrl, maxPending = MAX_PENDING } = options
  const waiting = new Map<number, { worker: number; resolve: (answer: VerifyAnswer) => void }>()
  let nextId = 0
  let closing = false

  const threads = Array.from({ length: workers }, (_, index) => startThread(index))

  function startThread(index: number): Worker {
    const thread = new Worker(sibling(import.meta.url, 'verify-worker'), { workerData: { ethereumRpcUrl } })
    thread.unref()
    thread.on('message', (answer: VerifyAnswer) => settle(answer))
    thread.on('error', (error) => log.error({ err: error }, 'a signature thread failed'))
    thread.on('exit', () => {
      for (const [id, { worker }] of waiting) if (worker === index) settle({ id, ok: false, reason: 'the check was interrupted' })
      if (!closing) threads[index] = startThread(index)
    })
    return thread
  }

  function settle(answer: VerifyAnswer): void {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  }

  return {
    get pending() {
      return waiting.size
    },
    async verify(chain, payload, nowMs = Date.now()) {
      const peer = claimedSigner(chain)
      if (!peer) return { ok: false, reason: 'the chain must start with a wallet and end with a signed entity' }
      if (closing) return { ok: false, reason: 'shutting down' }
      if (waiting.size >= maxPending) return { ok: false, reason: 'too many signatures are waiting' }
      const id = nextId++
      const answer = await new Promise<VerifyAnswer>((resolve) => {
        const worker = id % threads.length
        waiting.set(id, { worker, resolve })
        threads[worker]?.postMessage({ id, chain, payload, nowMs } satisfies VerifyQuestion)
      })
      return answer.ok ? { ok: true, peer } : { ok: false, reason: answer.reason }
    },
    async close() {
      closing = true
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}
