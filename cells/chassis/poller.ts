import pLimit, { type LimitFunction } from 'p-limit'
import { jittered } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Running } from './lifecycle.ts'
import { Listeners } from './listeners.ts'
import type { Log } from './log.ts'

/** When a target is polled next: in so many milliseconds, or not until `pollIn` is called. */
export type NextPoll = number | 'on-request'

/** What follows from an answer. */
export interface PollOutcome {
  next: NextPoll
  /** Whether the listeners are notified. */
  changed: boolean
}

/** How targets are asked, and how often. */
export interface PollerOptions<Target, Answer> {
  /** Asks one target. It limits its own time, and what it throws is a bug. */
  ask: (target: Target) => Promise<Answer>
  /** Takes an answer in; not called for a target that was forgotten while it was asked. */
  learn: (target: Target, answer: Answer) => PollOutcome
  /** Targets asked at the same time; more wait in the order in which they became due. */
  concurrency: number
  clock: Clock
  log: Log
  /** Share of a delay by which it varies; a fifth by default. */
  jitterShare?: number
  /** A number from 0 to 1 that spreads polls in time; `Math.random` by default. */
  random?: (() => number) | undefined
}

/** The pause after `ask` or `learn` threw. */
const AFTER_BUG_MS = 5_000

interface Poll<Target> {
  readonly target: Target
  state: 'waiting' | 'due' | 'asking'
  cancel: () => void
  /** Asked for while the target was being asked; counts from the end of that. */
  requested: number | undefined
}

/**
 * Asks any number of targets in the background and keeps what they answered, so that readers are answered from memory. A target
 * is the caller's own object: `learn` changes it, `get` returns it. It is asked by one poll at a time.
 *
 *     interface Site { url: string; failures: number; state: 'unknown' | 'up' | 'down' }
 *     const poller = new Poller<Site, boolean>({
 *       ask: (site) => isUp(site.url),
 *       learn: (site, up) => {
 *         const before = site.state
 *         site.failures = up ? 0 : site.failures + 1
 *         site.state = up ? 'up' : 'down'
 *         return { next: up ? REST_MS : backoffMs(BACKOFF, site.failures), changed: site.state !== before }
 *       },
 *       concurrency: 16, clock, log,
 *     })
 *     const { state } = poller.watch(url, () => ({ url, failures: 0, state: 'unknown' }))
 *     poller.onChange(({ url }) => …)
 */
export class Poller<Target, Answer> implements Running {
  readonly #options: PollerOptions<Target, Answer>
  readonly #polls = new Map<string, Poll<Target>>()
  readonly #listeners = new Listeners<Target>()
  readonly #limit: LimitFunction

  constructor(options: PollerOptions<Target, Answer>) {
    this.#options = options
    this.#limit = pLimit(options.concurrency)
  }

  /** The target of a key; where there is none, it is created, and asked from now on: first after `first`, by default at once. */
  watch(key: string, create: () => Target, first: NextPoll = 0): Target {
    const known = this.#polls.get(key)
    if (known) return known.target
    const poll: Poll<Target> = { target: create(), state: 'waiting', cancel: () => {}, requested: undefined }
    this.#polls.set(key, poll)
    this.#schedule(key, poll, first)
    return poll.target
  }

  get(key: string): Target | undefined {
    return this.#polls.get(key)?.target
  }

  /** Every target with its key, in the order in which they were added; may be forgotten on the way. */
  *targets(): IterableIterator<[key: string, target: Target]> {
    for (const [key, { target }] of this.#polls) yield [key, target]
  }

  /**
   * Asks a target in `delayMs` instead of when it would be asked otherwise. While it is being asked, the earlier of this and what
   * `learn` returns holds.
   */
  pollIn(key: string, delayMs: number): void {
    const poll = this.#polls.get(key)
    if (poll?.state === 'asking') poll.requested = delayMs
    else if (poll?.state === 'waiting') this.#schedule(key, poll, delayMs)
  }

  /** Stops polling a target until the next `pollIn`. */
  pause(key: string): void {
    const poll = this.#polls.get(key)
    if (!poll) return
    poll.cancel()
    poll.requested = undefined
  }

  /** Asks a target no more; an answer that is under way is dropped. */
  forget(key: string): void {
    this.pause(key)
    this.#polls.delete(key)
  }

  /** Calls the listener with every target that `learn` found changed; the returned function ends that. */
  onChange(listener: (target: Target) => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Forgets everything at once; answers that are under way are dropped, not waited for. */
  async stop(): Promise<void> {
    for (const key of [...this.#polls.keys()]) this.forget(key)
    this.#listeners.clear()
  }

  #schedule(key: string, poll: Poll<Target>, next: NextPoll): void {
    const { clock, random = Math.random, jitterShare } = this.#options
    poll.cancel()
    if (next === 'on-request') return
    const start = () => {
      poll.state = 'due'
      void this.#limit(() => this.#poll(key, poll))
    }
    if (next > 0) poll.cancel = clock.after(jittered(next, random(), jitterShare), start)
    else start()
  }

  async #poll(key: string, poll: Poll<Target>): Promise<void> {
    const { ask, learn, log } = this.#options
    const isForgotten = () => this.#polls.get(key) !== poll
    if (isForgotten()) return
    poll.state = 'asking'
    let outcome: PollOutcome = { next: AFTER_BUG_MS, changed: false }
    try {
      const answer = await ask(poll.target)
      if (isForgotten()) return
      outcome = learn(poll.target, answer)
    } catch (error) {
      log.error({ err: error, key }, 'a poll failed on a bug')
      if (isForgotten()) return
    }
    poll.state = 'waiting'
    this.#schedule(key, poll, earlierOf(outcome.next, poll.requested))
    poll.requested = undefined
    if (outcome.changed) this.#listeners.notify(poll.target)
  }
}

const earlierOf = (next: NextPoll, requested: number | undefined): NextPoll =>
  requested === undefined ? next : next === 'on-request' ? requested : Math.min(next, requested)
