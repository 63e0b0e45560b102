import type { Running } from '../chassis/lifecycle.ts'
import { type PublishedRealm, realmsByName } from './core/published-realm.ts'
import type { RealmSource } from './sources/realm-source.ts'

/** The realm that has each name, also while it has no endpoint; follows a source. */
export class RealmDirectory implements Running {
  readonly #source: RealmSource
  readonly #onChange: (realms: ReadonlyMap<string, PublishedRealm>) => void
  readonly #unsubscribe: () => void
  #realms: ReadonlyMap<string, PublishedRealm> = new Map()
  /** By name in lower case; undefined where names differ only in case. */
  #byLowerCase: ReadonlyMap<string, PublishedRealm | undefined> = new Map()
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

  /** The realm with this name, in whatever case where that is unambiguous: players type names, and some clients lower them. */
  named(name: string): PublishedRealm | undefined {
    return this.#realms.get(name) ?? this.#byLowerCase.get(name.toLowerCase())
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
    this.#byLowerCase = byLowerCase(this.#realms)
    this.#isComplete ||= this.#source.ready()
    this.#onChange(this.#realms)
  }
}

function byLowerCase(realms: ReadonlyMap<string, PublishedRealm>): ReadonlyMap<string, PublishedRealm | undefined> {
  const found = new Map<string, PublishedRealm | undefined>()
  for (const [name, realm] of realms) {
    const key = name.toLowerCase()
    found.set(key, found.has(key) ? undefined : realm)
  }
  return found
}
