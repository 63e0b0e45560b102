import type { Running } from '../chassis/lifecycle.ts'
import { type PublishedRealm, realmsByName } from './core/published-realm.ts'
import type { RealmSource } from './sources/realm-source.ts'

/** The realm that has each name, also while it has no endpoint; follows a source. */
export class RealmDirectory implements Running {
  readonly #source: RealmSource
  readonly #onChange: (realms: ReadonlyMap<string, PublishedRealm>) => void
  readonly #unsubscribe: () => void
  #realms: ReadonlyMap<string, PublishedRealm> = new Map()
  #isComplete = false

  /** Calls `onChange` at once, and after each change of the source. */
  constructor(source: RealmSource, onChange: (realms: ReadonlyMap<string, PublishedRealm>) => void) {
    this.#source = source
    this.#onChange = onChange
    this.#update()
    this.#unsubscribe = source.onChange(() => this.#update())
  }

  /** Whether the source was complete at some time. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get realms(): ReadonlyMap<string, PublishedRealm> {
    return this.#realms
  }

  /** How many realms are not served because another one has their name. */
  get clashes(): number {
    return this.#source.realms().length - this.#realms.size
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
  }

  #update(): void {
    this.#realms = realmsByName(this.#source.realms())
    this.#isComplete ||= this.#source.ready()
    this.#onChange(this.#realms)
  }
}
