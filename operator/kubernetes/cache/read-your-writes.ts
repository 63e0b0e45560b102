import type { SpanClock } from '../../../cells/chassis/clock.ts'

/** How long the own write overrides the cache: long for a watch to deliver it, short when the watch never will. */
const OVERRIDE_MS = 10_000

/** Stands among the seen versions for the removal of an object of this name, whichever it was. */
const REMOVED = ''

interface Versioned {
  uid: string
  resourceVersion: string
}

/**
 * The objects the operator wrote and its watch has not delivered yet. Without them, a pass that follows a write within
 * milliseconds would act on the state before it, and write again.
 */
export class ReadYourWrites<T extends Versioned> {
  readonly #clock: SpanClock
  readonly #written = new Map<string, { object: T | undefined; at: number }>()
  /** What the watch delivered for a key while a write to it was under way: it may be faster than the response. */
  readonly #seenDuringWrites = new Map<string, Set<Set<string>>>()

  constructor(clock: SpanClock) {
    this.#clock = clock
  }

  /** Runs a write and remembers the object it returns; undefined after a removal. */
  async track(key: string, write: () => Promise<T | undefined>): Promise<void> {
    const seen = new Set<string>()
    const tracked = this.#seenDuringWrites.get(key) ?? new Set()
    this.#seenDuringWrites.set(key, tracked.add(seen))
    try {
      const object = await write()
      const isInCache = object
        ? seen.has(object.uid) || [...seen].some((version) => !isNewer(object.resourceVersion, version))
        : seen.has(REMOVED)
      if (!isInCache) this.#written.set(key, { object, at: this.#clock.monotonic() })
    } finally {
      tracked.delete(seen)
      if (tracked.size === 0) this.#seenDuringWrites.delete(key)
    }
  }

  /** The watch delivered a version of an object. True when it is the version the operator wrote last. */
  seen(key: string, { resourceVersion }: Versioned): boolean {
    for (const versions of this.#seenDuringWrites.get(key) ?? []) versions.add(resourceVersion)
    const written = this.#written.get(key)?.object?.resourceVersion
    if (written === undefined) return false
    // A write that changed nothing returns a version which the watch delivered before and will not deliver again.
    if (written === resourceVersion || isNewer(resourceVersion, written)) this.#written.delete(key)
    return written === resourceVersion
  }

  /** The watch delivered the removal of an object. One that was written since under its name is another object. */
  removed(key: string, { uid }: Versioned): void {
    for (const versions of this.#seenDuringWrites.get(key) ?? []) versions.add(uid).add(REMOVED)
    const written = this.#written.get(key)
    if (written && (written.object === undefined || written.object.uid === uid)) this.#written.delete(key)
  }

  /** The object as far as the operator knows, given what the cache has. */
  current(key: string, cached: T | undefined): T | undefined {
    const written = this.#written.get(key)
    if (!written) return cached
    if (this.#clock.monotonic() - written.at <= OVERRIDE_MS) return written.object
    this.#written.delete(key)
    return cached
  }
}

/** Whether a version is newer than another one, or than a text that is no version. Versions are whole numbers that only grow. */
function isNewer(version: string, than: string): boolean {
  if (!/^\d+$/.test(than)) return true
  return version.length === than.length ? version > than : version.length > than.length
}
