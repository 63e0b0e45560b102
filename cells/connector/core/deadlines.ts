/**
 * One deadline per thing, for thousands of things and one timer: things wait in buckets a second wide, and whoever owns the
 * timer asks each second which are due. A deadline is met up to a second late, never early.
 */
export class Deadlines<Thing> {
  readonly #buckets = new Map<number, Set<Thing>>()
  readonly #bucketOf = new Map<Thing, number>()
  #swept = Number.NEGATIVE_INFINITY

  /** Sets, or moves, the deadline of a thing. */
  set(thing: Thing, atMs: number): void {
    this.clear(thing)
    // What is past due goes into the next bucket to be swept.
    const bucket = Math.max(Math.ceil(atMs / BUCKET_MS), this.#swept + 1)
    this.#bucketOf.set(thing, bucket)
    const things = this.#buckets.get(bucket)
    if (things) things.add(thing)
    else this.#buckets.set(bucket, new Set([thing]))
  }

  /** Forgets a thing, so that it can be collected. */
  clear(thing: Thing): void {
    const bucket = this.#bucketOf.get(thing)
    if (bucket === undefined) return
    this.#bucketOf.delete(thing)
    const things = this.#buckets.get(bucket)
    things?.delete(thing)
    if (things?.size === 0) this.#buckets.delete(bucket)
  }

  /** Takes out everything that is due. */
  due(nowMs: number): Thing[] {
    const now = Math.floor(nowMs / BUCKET_MS)
    const due: Thing[] = []
    for (const [bucket, things] of this.#buckets) if (bucket <= now) due.push(...things)
    for (const thing of due) this.clear(thing)
    this.#swept = Math.max(this.#swept, now)
    return due
  }

  get size(): number {
    return this.#bucketOf.size
  }
}

const BUCKET_MS = 1000
