import type { ClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { fetchJson } from '../chassis/fetch-json.ts'
import type { PeerId } from '../wire/peer.ts'
import { keccak256, personalMessageHash } from './ethereum-message.ts'
import { FairQueue, type Turn } from './fair-queue.ts'

/** A signature that only the contract at the address of a wallet can check (EIP-1271, which EIP-1654 became). */
export interface ContractSignature {
  readonly signer: PeerId
  readonly text: string
  readonly signature: string
}

export interface ContractSignaturesOptions {
  clock: Clock
  /** Ethereum JSON-RPC. */
  url: string
  /** How long Ethereum may take to answer one call. */
  timeoutMs: number
  /** Checks that may be under way at a time. */
  maxUnderWay: number
  /** Checks that may wait, and for how long. */
  maxWaiting: number
  maxWaitMs: number
}

/** Whether a signature is valid, or why that was not found out. */
export type ContractVerdict = { readonly valid: boolean } | { readonly undecided: string }

interface PendingCheck {
  readonly signature: ContractSignature
  readonly resolve: (verdict: ContractVerdict) => void
}

/** The first four bytes of the hash of `isValidSignature(bytes32,bytes)`: both the function and its answer when the signature is valid. */
const IS_VALID_SIGNATURE = '1626ba7e'
const MAX_ANSWER_BYTES = 64 * 1024
/** JSON-RPC error of a call that the contract refused. */
const REVERTED = 3
const MAX_UNDER_WAY_PER_ADDRESS = 2

/**
 * Asks contracts about signatures: at most two calls for each, against the latest block. A check counts until its last call has ended,
 * so that there are never more calls than checks that may be under way.
 */
export class ContractSignatures {
  readonly #options: ContractSignaturesOptions
  readonly #queue: FairQueue<PendingCheck>
  #underWay = 0
  #closed = false

  constructor(options: ContractSignaturesOptions) {
    this.#options = options
    this.#queue = new FairQueue({ ...options, maxUnderWayPerAddress: MAX_UNDER_WAY_PER_ADDRESS }, ({ resolve }) =>
      resolve({ undecided: 'the check of a contract wallet waited too long' }),
    )
  }

  /** Checks that wait or are under way. */
  get pending(): number {
    return this.#queue.waiting + this.#underWay
  }

  /** Never rejects. */
  check(signature: ContractSignature, client: ClientAddress): Promise<ContractVerdict> {
    if (this.#closed) return Promise.resolve({ undecided: 'shutting down' })
    return new Promise((resolve) => {
      if (!this.#queue.enter(client, { signature, resolve }))
        resolve({ undecided: 'too many contract wallets are being checked' })
      else this.#startNext()
    })
  }

  /** Calls under way end by their time limit. */
  close(): void {
    this.#closed = true
    for (const { resolve } of this.#queue.clear()) resolve({ undecided: 'the check was interrupted' })
  }

  #startNext(): void {
    while (this.#underWay < this.#options.maxUnderWay) {
      const turn = this.#queue.next()
      if (!turn) return
      this.#underWay++
      this.#perform(turn).finally(() => {
        this.#underWay--
        turn.end()
        this.#startNext()
      })
    }
  }

  async #perform({ item: { signature, resolve } }: Turn<PendingCheck>): Promise<void> {
    // Contracts are asked about the text itself, and then as wallets of persons sign it: explorers' wallets do either.
    for (const hash of [keccak256(Buffer.from(signature.text, 'utf8')), personalMessageHash(signature.text)]) {
      const verdict = this.#closed ? { undecided: 'the check was interrupted' } : await this.#ask(signature, hash)
      if ('undecided' in verdict || verdict.valid) return resolve(verdict)
    }
    resolve({ valid: false })
  }

  async #ask({ signer, signature }: ContractSignature, hash: Uint8Array): Promise<ContractVerdict> {
    const { url, timeoutMs } = this.#options
    const data = callData(hash, signature)
    const post = { jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ to: signer, data }, 'latest'] }
    const fetched = await fetchJson(url, { timeoutMs, maxBytes: MAX_ANSWER_BYTES, post })
    if (!fetched.ok) return { undecided: `Ethereum did not answer: ${fetched.reason}` }
    const { result, error } = (fetched.body ?? {}) as { result?: unknown; error?: { code?: unknown; message?: unknown } }
    // Where there is no contract the result is empty.
    if (typeof result === 'string') return { valid: result.toLowerCase().startsWith(`0x${IS_VALID_SIGNATURE}`) }
    if (error?.code === REVERTED || /revert/i.test(String(error?.message))) return { valid: false }
    return { undecided: `Ethereum answered with status ${fetched.status} and no result` }
  }
}

/** A call of `isValidSignature(bytes32 hash, bytes signature)` in the encoding of contracts: words of 32 bytes. */
function callData(hash: Uint8Array, signature: string): string {
  const bytes = signature.slice('0x'.length)
  const word = (value: number) => value.toString(16).padStart(64, '0')
  const padding = '0'.repeat((64 - (bytes.length % 64)) % 64)
  return `0x${IS_VALID_SIGNATURE}${Buffer.from(hash).toString('hex')}${word(64)}${word(bytes.length / 2)}${bytes}${padding}`
}
