import { keyText } from '../../../crds/object.ts'
import type { RealmFacts, ShownCondition } from './realm-facts.ts'

/** A condition of a realm that took another value or reason. */
export interface RealmChange {
  /** RFC 3339. */
  at: string
  realm: string
  realmName: string
  type: string
  status: string
  reason: string
  message: string
}

const MAX_CHANGES = 200

/** The latest changes of conditions: those seen as they happened, and of those before the last one of each condition. */
export class RealmChanges {
  #changes: readonly RealmChange[] = []
  #known = new Map<string, ReadonlyMap<string, string>>()

  /** The latest first. */
  get latest(): readonly RealmChange[] {
    return this.#changes
  }

  /** Compares the realms as they are with those of the call before. `now` is RFC 3339. */
  observe(realms: readonly RealmFacts[], now: string): void {
    const seen = new Map<string, ReadonlyMap<string, string>>()
    const found: RealmChange[] = []
    for (const facts of realms) {
      const realm = keyText(facts.key)
      const before = this.#known.get(realm)
      seen.set(realm, new Map(facts.conditions.map((condition) => [condition.type, textOf(condition)])))
      for (const condition of facts.conditions) {
        if (before?.get(condition.type) === textOf(condition)) continue
        // A new reason of an unchanged status has no time of its own.
        const isNewStatus = before?.get(condition.type)?.startsWith(`${condition.status} `) !== true
        const { type, status, reason, message, since } = condition
        found.push({ at: isNewStatus ? since : now, realm, realmName: facts.realmName, type, status, reason, message })
      }
    }
    this.#known = seen
    if (found.length === 0) return
    this.#changes = [...found, ...this.#changes].sort((a, b) => Number(a.at < b.at) - Number(a.at > b.at)).slice(0, MAX_CHANGES)
  }
}

const textOf = ({ status, reason }: ShownCondition): string => `${status} ${reason}`
