/** What was wished of an object, and what the API server made of it in its own spelling. */
interface Wish {
  wish: string
  got: string
}

/**
 * What every object of ours was last found or made to be, by fingerprint. An object that differs although the wish is the same was
 * changed by somebody else.
 */
export class LastApplied {
  /** By owner, so that all of them go with it. */
  readonly #byOwner = new Map<string, Map<string, Wish>>()

  /** Whether an object is as wished: literally, or as the API server spells it. */
  isMet(owner: string, child: string, wish: string, fingerprint: string): boolean {
    if (fingerprint === wish) return true
    const known = this.#byOwner.get(owner)?.get(child)
    return known?.wish === wish && known.got === fingerprint
  }

  /** Whether the very same was wished and met before. */
  wasMet(owner: string, child: string, wish: string): boolean {
    return this.#byOwner.get(owner)?.get(child)?.wish === wish
  }

  met(owner: string, child: string, wish: string, got: string): void {
    let known = this.#byOwner.get(owner)
    if (!known) {
      known = new Map()
      this.#byOwner.set(owner, known)
    }
    const before = known.get(child)
    if (before?.wish !== wish || before.got !== got) known.set(child, { wish, got: got === wish ? wish : got })
  }

  /** Forgets one object of an owner, or the owner with all it had. */
  forget(owner: string, child?: string): void {
    if (child === undefined) this.#byOwner.delete(owner)
    else this.#byOwner.get(owner)?.delete(child)
  }

  /** Owners of which anything is known. */
  get size(): number {
    return this.#byOwner.size
  }
}
