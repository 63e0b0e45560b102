import type { Clock } from '../../../cells/chassis/clock.ts'

/** How long we believe our own write rather than the cache: long for a watch, short for a mistake. */
const BELIEVED_MS = 10_000

/** Among what was seen: an object of this name went, whichever it was. */
const GONE = ''

/** What an overlay must know of an object. */
interface Versioned {
  uid: string
  resourceVersion: string
}

/**
 * What we wrote and the cache has not seen yet. A pass that follows a write within milliseconds would otherwise act on the state
 * before it, and write again.
 */
export class ReadYourWrites<T extends Versioned> {
  readonly #clock: Clock
  readonly #written = new Map<string, { object: T | undefined; at: number }>()
  /** What the cache saw of a key since a write to it began: the watch may tell before the answer arrives. */
  readonly #seenMeanwhile = new Map<string, Set<Set<string>>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs a write and remembers what it left behind; nothing after a removal. */
  async during(key: string, write: () => Promise<T | undefined>): Promise<void> {
    const meanwhile = new Set<string>()
    const others = this.#seenMeanwhile.get(key) ?? new Set()
    this.#seenMeanwhile.set(key, others.add(meanwhile))
    try {
      const object = await write()
      const isKnown = object
        ? meanwhile.has(object.uid) || [...meanwhile].some((version) => !isNewer(object.resourceVersion, version))
        : meanwhile.has(GONE)
      if (!isKnown) this.#written.set(key, { object, at: this.#clock.now() })
    } finally {
      others.delete(meanwhile)
      if (others.size === 0) this.#seenMeanwhile.delete(key)
    }
  }

  /** The cache saw a version of an object. True when that is the one we wrote last. */
  seen(key: string, { resourceVersion }: Versioned): boolean {
    for (const meanwhile of this.#seenMeanwhile.get(key) ?? []) meanwhile.add(resourceVersion)
    const written = this.#written.get(key)?.object?.resourceVersion
    if (written === undefined) return false
    // A write that changed nothing is answered with a version the cache knew before and will not be told of again.
    if (written === resourceVersion || isNewer(resourceVersion, written)) this.#written.delete(key)
    return written === resourceVersion
  }

  /** The cache saw an object go. One we wrote since under its name is another object. */
  gone(key: string, { uid }: Versioned): void {
    for (const meanwhile of this.#seenMeanwhile.get(key) ?? []) meanwhile.add(uid).add(GONE)
    const written = this.#written.get(key)
    if (written && (written.object === undefined || written.object.uid === uid)) this.#written.delete(key)
  }

  /** What there is, given what the cache knows. */
  current(key: string, cached: T | undefined): T | undefined {
    const written = this.#written.get(key)
    if (!written) return cached
    if (this.#clock.now() - written.at <= BELIEVED_MS) return written.object
    this.#written.delete(key)
    return cached
  }
}

/** Whether one version of an object came after another, or after something that is no version: versions are whole numbers that only grow. */
function isNewer(version: string, than: string): boolean {
  if (!/^\d+$/.test(than)) return true
  return version.length === than.length ? version > than : version.length > than.length
}
