import type { PlayerCount } from './stats-answers.ts'

interface Announced {
  /** The count that `sinceCount` began with. */
  count: PlayerCount
  sinceCount: Map<number, number>
  /** Those of the count before: such players may still be on their way. */
  before: ReadonlyMap<number, number>
}

const none: ReadonlyMap<number, number> = new Map()

/**
 * Players on their way: those who were sent to a cell and are not in the counts of statistics yet. Without them all players who
 * come between two counts would be sent to the cell that was the emptiest at the first.
 */
export class Arrivals {
  readonly #byRealm = new Map<string, Announced>()

  /** Players by slot, with those on their way; undefined where the players of slots are not known. */
  expected(realm: string, count: PlayerCount | undefined): ReadonlyMap<number, number> | undefined {
    if (!count?.bySlot) return undefined
    const { sinceCount, before } = this.#of(realm, count)
    if (sinceCount.size === 0 && before.size === 0) return count.bySlot
    return new Map(
      Array.from(count.bySlot, ([slot, players]) => [slot, players + (sinceCount.get(slot) ?? 0) + (before.get(slot) ?? 0)]),
    )
  }

  /** A player was sent to a slot. */
  add(realm: string, count: PlayerCount | undefined, slot: number): void {
    if (!count?.bySlot) return
    const { sinceCount } = this.#of(realm, count)
    sinceCount.set(slot, (sinceCount.get(slot) ?? 0) + 1)
  }

  /** Forgets the realms that are not served any more. */
  retain(isServed: (realm: string) => boolean): void {
    for (const realm of this.#byRealm.keys()) if (!isServed(realm)) this.#byRealm.delete(realm)
  }

  #of(realm: string, count: PlayerCount): Announced {
    const known = this.#byRealm.get(realm)
    if (known?.count === count) return known
    const announced = { count, sinceCount: new Map<number, number>(), before: known?.sinceCount ?? none }
    this.#byRealm.set(realm, announced)
    return announced
  }
}
