/**
 * One deadline per item, for thousands of items and one timer: items wait in buckets of one second, and the owner of the timer
 * takes the due ones out every second. A deadline is met up to a second late, never early.
 */
export class Deadlines<Item> {
  readonly #buckets = new Map<number, Set<Item>>()
  readonly #bucketOf = new Map<Item, number>()
  #swept = Number.NEGATIVE_INFINITY

  /** Sets, or moves, the deadline of an item. */
  set(item: Item, atMs: number): void {
    this.clear(item)
    // A deadline in the past goes into the next bucket that is taken out.
    const bucket = Math.max(Math.ceil(atMs / BUCKET_MS), this.#swept + 1)
    this.#bucketOf.set(item, bucket)
    const items = this.#buckets.get(bucket)
    if (items) items.add(item)
    else this.#buckets.set(bucket, new Set([item]))
  }

  /** Removes an item, so that it can be garbage-collected. */
  clear(item: Item): void {
    const bucket = this.#bucketOf.get(item)
    if (bucket === undefined) return
    this.#bucketOf.delete(item)
    const items = this.#buckets.get(bucket)
    items?.delete(item)
    if (items?.size === 0) this.#buckets.delete(bucket)
  }

  /** Takes out the items that are due. */
  due(nowMs: number): Item[] {
    const now = Math.floor(nowMs / BUCKET_MS)
    const due: Item[] = []
    for (const [bucket, items] of this.#buckets) if (bucket <= now) due.push(...items)
    for (const item of due) this.clear(item)
    this.#swept = Math.max(this.#swept, now)
    return due
  }

  get size(): number {
    return this.#bucketOf.size
  }
}

const BUCKET_MS = 1000
