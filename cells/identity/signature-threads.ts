import { Worker } from 'node:worker_threads'
import type { ClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { siblingModule } from '../chassis/sibling-module.ts'
import type { ClaimedSignature } from './chain.ts'
import { FairQueue, type Turn } from './fair-queue.ts'
import type { SignatureLibrary } from './signature-library.ts'

/** Signatures by keys that are checked together, one after the other until one is not valid. */
export interface SignatureCheck {
  readonly signatures: readonly Pick<ClaimedSignature, 'signer' | 'text' | 'signature'>[]
}

/** What a thread sends: once which library it uses, then for each check of a batch the index of the invalid signature, or -1. */
export type FromWorker = { library: SignatureLibrary['name'] } | { invalid: readonly number[] }

/** A thread that checks batches of signatures in their order. */
export interface SignatureThread {
  post(batch: readonly SignatureCheck[]): void
  /** Ends it, whatever it is doing. */
  terminate(): Promise<unknown>
}

export interface SignatureThreadEvents {
  message(message: FromWorker): void
  error(error: unknown): void
  exit(): void
}

export interface SignatureThreadsOptions {
  log: Log
  clock: Clock
  threads: number
  /** Checks that may wait in all, and for how long. */
  maxWaiting: number
  maxWaitMs: number
  startThread?: (events: SignatureThreadEvents) => SignatureThread
}

/** The index of the signature that is not valid, -1 when all are; or why that was not found out. */
export type SignaturesVerdict = { readonly invalid: number } | { readonly undecided: string }

interface PendingCheck {
  readonly check: SignatureCheck
  readonly resolve: (verdict: SignaturesVerdict) => void
}

type Batch = readonly Turn<PendingCheck>[]

/** Checks a thread takes at a time: the event loop then does the work of a message once for all of them. */
const BATCH = 8
/** A second batch arrives while the first is checked, so that the thread does not wait for the event loop. */
const BATCHES_PER_THREAD = 2
/** A batch takes some milliseconds. */
const STUCK_AFTER_MS = 5_000
const RESTART_AFTER_MS = 1_000
/** What a thread makes for one check is garbage before the next; the limit of the process would be taken by each thread. */
const YOUNG_GENERATION = { maxYoungGenerationSizeMb: 4 }
/** With more of one client under way, a client of another address waits longer for a thread. */
const MAX_UNDER_WAY_PER_ADDRESS = 2

/** One thread, and what it was given. */
class PooledThread {
  readonly batches: Batch[] = []
  /** Until it has loaded what it needs. */
  readonly loading = Promise.withResolvers<void>()
  isReady = false
  thread: SignatureThread | undefined
  cancelStuckTimer: (() => void) | undefined

  get hasRoom(): boolean {
    return this.isReady && this.batches.length < BATCHES_PER_THREAD
  }
}

/** Threads that check signatures, and the queue before them. A thread that ends, or does not answer, is replaced. */
export class SignatureThreads {
  readonly #options: SignatureThreadsOptions
  readonly #queue: FairQueue<PendingCheck>
  /** The threads take turns. */
  readonly #threads = new Set<PooledThread>()
  readonly #library = Promise.withResolvers<SignatureLibrary['name']>()
  #distributing: NodeJS.Immediate | undefined
  #underWay = 0
  #closed = false

  constructor(options: SignatureThreadsOptions) {
    this.#options = options
    this.#queue = new FairQueue({ ...options, maxUnderWayPerAddress: MAX_UNDER_WAY_PER_ADDRESS }, ({ resolve }) =>
      resolve({ undecided: 'the check waited too long' }),
    )
    for (let i = 0; i < options.threads; i++) this.#start()
  }

  /** Checks that wait or are under way. */
  get pending(): number {
    return this.#queue.waiting + this.#underWay
  }

  /** The library in use; known once the first thread has loaded it. */
  get library(): Promise<SignatureLibrary['name']> {
    return this.#library.promise
  }

  /** Resolves once every thread has loaded what it needs, or ended. */
  async warmUp(): Promise<void> {
    await Promise.all([...this.#threads].map(({ loading }) => loading.promise))
  }

  /** Never rejects. */
  check(check: SignatureCheck, client: ClientAddress): Promise<SignaturesVerdict> {
    if (this.#closed) return Promise.resolve({ undecided: 'shutting down' })
    return new Promise((resolve) => {
      if (!this.#queue.enter(client, { check, resolve })) resolve({ undecided: 'too many signatures are waiting' })
      else this.#distributeSoon()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { resolve } of this.#queue.clear()) resolve(interrupted)
    await Promise.all([...this.#threads].map((pooled) => this.#end(pooled)))
  }

  #start(): void {
    const pooled = new PooledThread()
    this.#threads.add(pooled)
    const { log, startThread = startWorker } = this.#options
    pooled.thread = startThread({
      message: (message) => this.#received(pooled, message),
      error: (error) => log.error({ err: error }, 'a signature thread failed'),
      exit: () => this.#ended(pooled),
    })
  }

  /** At the end of this turn of the event loop: checks that clients ask for in one turn share a message. */
  #distributeSoon(): void {
    this.#distributing ??= setImmediate(() => {
      this.#distributing = undefined
      this.#distribute()
    })
  }

  /** Gives waiting checks to threads that have room, as many to each as to the others. */
  #distribute(): void {
    const withRoom = [...this.#threads].filter(({ hasRoom }) => hasRoom)
    const share = Math.min(BATCH, Math.ceil(this.#queue.waiting / withRoom.length))
    for (const pooled of withRoom) {
      const batch = this.#nextBatch(share)
      if (batch.length === 0) return
      this.#threads.delete(pooled) // to the end of the order
      this.#threads.add(pooled)
      pooled.batches.push(batch)
      this.#underWay += batch.length
      pooled.thread?.post(batch.map(({ item }) => item.check))
      if (pooled.batches.length === 1) this.#expectAnswer(pooled)
    }
  }

  #nextBatch(atMost: number): Batch {
    const batch: Turn<PendingCheck>[] = []
    for (let turn = this.#queue.next(); turn; turn = batch.length < atMost ? this.#queue.next() : undefined) batch.push(turn)
    return batch
  }

  #received(pooled: PooledThread, message: FromWorker): void {
    if ('library' in message) {
      this.#library.resolve(message.library)
      pooled.isReady = true
      pooled.loading.resolve()
    } else {
      this.#settle(pooled.batches.shift() ?? [], (i) => ({ invalid: message.invalid[i] ?? 0 }))
      this.#expectAnswer(pooled)
    }
    this.#distribute()
  }

  #settle(batch: Batch, verdictOf: (i: number) => SignaturesVerdict): void {
    this.#underWay -= batch.length
    for (const [i, { item, end }] of batch.entries()) {
      end()
      item.resolve(verdictOf(i))
    }
  }

  #expectAnswer(pooled: PooledThread): void {
    pooled.cancelStuckTimer?.()
    pooled.cancelStuckTimer = undefined
    if (pooled.batches.length === 0) return
    const { clock, log } = this.#options
    pooled.cancelStuckTimer = clock.after(STUCK_AFTER_MS, () => {
      log.error({ seconds: STUCK_AFTER_MS / 1_000 }, 'a signature thread does not answer, and is replaced')
      this.#end(pooled).catch((error: unknown) => log.error({ err: error }, 'a signature thread cannot be ended'))
    })
  }

  async #end(pooled: PooledThread): Promise<void> {
    this.#ended(pooled)
    await pooled.thread?.terminate()
  }

  #ended(pooled: PooledThread): void {
    if (!this.#threads.delete(pooled)) return
    pooled.cancelStuckTimer?.()
    pooled.loading.resolve()
    for (const batch of pooled.batches.splice(0)) this.#settle(batch, () => interrupted)
    if (!this.#closed) this.#options.clock.after(RESTART_AFTER_MS, () => this.#closed || this.#start())
  }
}

const interrupted: SignaturesVerdict = { undecided: 'the check was interrupted' }

function startWorker({ message, error, exit }: SignatureThreadEvents): SignatureThread {
  const worker = new Worker(siblingModule(import.meta.url, 'signature-worker'), { resourceLimits: YOUNG_GENERATION })
  worker.unref()
  worker.on('message', message)
  worker.on('error', error)
  worker.on('exit', exit)
  return { post: (batch) => worker.postMessage(batch), terminate: () => worker.terminate() }
}
