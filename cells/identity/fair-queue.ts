import type { ClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'

export interface FairQueueOptions {
  clock: Clock
  /** Items that may wait in all. */
  maxWaiting: number
  /** How long an item waits for its turn. */
  maxWaitMs: number
  /** Items of one client address that may be under way at a time. */
  maxUnderWayPerAddress: number
}

/** An item whose turn has come. */
export interface Turn<Item> {
  readonly item: Item
  /** The work on the item is over; called once. */
  end(): void
}

/** What waits in a queue, and what happens when its time is over. */
interface Waiting<Item> {
  readonly item: Item
  readonly line: Line<Item>
  readonly overdueAt: number
}

/** The items of one client address. */
interface Line<Item> {
  readonly address: ClientAddress
  /** The oldest first. */
  readonly waiting: Set<Waiting<Item>>
  underWay: number
}

/** Share of the free places that one client address may take; a proxy stands for many clients. */
const SHARE = { client: 1 / 4, proxy: 1 }

/**
 * Work that waits for its turn, in which no client address delays another: addresses take turns, have few items under way at a time,
 * and take only a share of the places that are free, so that one is left for the next address however many an attacker has.
 */
export class FairQueue<Item> {
  readonly #options: FairQueueOptions
  readonly #onOverdue: (item: Item) => void
  readonly #lines = new Map<string, Line<Item>>()
  /** The lines that may give an item, in the order of their turns. */
  readonly #ready = new Set<Line<Item>>()
  /** The oldest first. */
  readonly #waiting = new Set<Waiting<Item>>()
  #cancelTimer: (() => void) | undefined

  /** @param onOverdue called with an item that waited too long; it is not in the queue any more */
  constructor(options: FairQueueOptions, onOverdue: (item: Item) => void) {
    this.#options = options
    this.#onOverdue = onOverdue
  }

  /** Items that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Returns false when there is no place left for this client. */
  enter(address: ClientAddress, item: Item): boolean {
    const { clock, maxWaiting, maxWaitMs } = this.#options
    const line = this.#lines.get(address.network) ?? { address, waiting: new Set<Waiting<Item>>(), underWay: 0 }
    const share = address.isOneClient ? SHARE.client : SHARE.proxy
    if (line.waiting.size >= Math.ceil((maxWaiting - this.#waiting.size) * share)) return false
    const waiting = { item, line, overdueAt: clock.monotonic() + maxWaitMs }
    line.waiting.add(waiting)
    this.#waiting.add(waiting)
    this.#lines.set(address.network, line)
    this.#update(line)
    this.#cancelTimer ??= clock.after(maxWaitMs, () => this.#endOverdue())
    return true
  }

  /** Takes the item whose turn it is; undefined while none may start. */
  next(): Turn<Item> | undefined {
    const [line] = this.#ready
    const [waiting] = line?.waiting ?? []
    if (!line || !waiting) return undefined
    this.#remove(waiting)
    line.underWay++
    this.#ready.delete(line) // to the end of the order
    this.#update(line)
    return {
      item: waiting.item,
      end: () => {
        line.underWay--
        this.#update(line)
      },
    }
  }

  /** Empties the queue; returns what waited. */
  clear(): Item[] {
    const items = [...this.#waiting].map(({ item }) => item)
    for (const waiting of this.#waiting) {
      this.#remove(waiting)
      this.#update(waiting.line)
    }
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    return items
  }

  #remove(waiting: Waiting<Item>): void {
    waiting.line.waiting.delete(waiting)
    this.#waiting.delete(waiting)
  }

  #update(line: Line<Item>): void {
    const { isOneClient, network } = line.address
    const mayStart = line.waiting.size > 0 && (!isOneClient || line.underWay < this.#options.maxUnderWayPerAddress)
    if (mayStart) this.#ready.add(line)
    else this.#ready.delete(line)
    if (line.waiting.size === 0 && line.underWay === 0) this.#lines.delete(network)
  }

  #endOverdue(): void {
    const { clock } = this.#options
    const now = clock.monotonic()
    this.#cancelTimer = undefined
    for (const waiting of this.#waiting) {
      if (waiting.overdueAt > now) {
        this.#cancelTimer = clock.after(waiting.overdueAt - now, () => this.#endOverdue())
        return
      }
      this.#remove(waiting)
      this.#update(waiting.line)
      this.#onOverdue(waiting.item)
    }
  }
}
