/** The fingerprint of what was applied to an object, and of what the API server stored for it, in its own spelling. */
interface Applied {
  desired: string
  live: string
}

/**
 * Fingerprints of what the operator last applied to every object it created, or found already as desired. It answers the two
 * questions of a write: whether the object is up to date, and whether a write is a repair, because another client changed the
 * object.
 */
export class LastApplied {
  /** By owner, so that all of them are forgotten with it. */
  readonly #byOwner = new Map<string, Map<string, Applied>>()

  /**
   * Whether the live object is as desired: literally, or in the spelling in which the API server stored the same manifest before.
   */
  isUpToDate(owner: string, child: string, desired: string, live: string): boolean {
    if (live === desired) return true
    const applied = this.#byOwner.get(owner)?.get(child)
    return applied?.desired === desired && applied.live === live
  }

  /** Whether the object was as desired before with the same manifest: a write now repairs what another client changed. */
  wasApplied(owner: string, child: string, desired: string): boolean {
    return this.#byOwner.get(owner)?.get(child)?.desired === desired
  }

  record(owner: string, child: string, desired: string, live: string): void {
    let applied = this.#byOwner.get(owner)
    if (!applied) {
      applied = new Map()
      this.#byOwner.set(owner, applied)
    }
    const before = applied.get(child)
    if (before?.desired !== desired || before.live !== live)
      applied.set(child, { desired, live: live === desired ? desired : live })
  }

  /** Forgets one object of an owner, or the owner with all its objects. */
  forget(owner: string, child?: string): void {
    if (child === undefined) this.#byOwner.delete(owner)
    else this.#byOwner.get(owner)?.delete(child)
  }

  /** Owners that are remembered. */
  get size(): number {
    return this.#byOwner.size
  }
}
