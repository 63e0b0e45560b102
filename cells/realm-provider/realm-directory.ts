import type { Running } from '../chassis/lifecycle.ts'
import type { PublishedRealm } from './core/published-realm.ts'
import { membersByName } from './core/shared-names.ts'
import type { RealmSource } from './sources/realm-source.ts'

/** The realm that has each name, also while it has no endpoint; follows a source. */
export class RealmDirectory implements Running {
  readonly #source: RealmSource
  readonly #onChange: (realms: readonly PublishedRealm[]) => void
  readonly #unsubscribe: () => void
  #members: ReadonlyMap<string, readonly PublishedRealm[]> = new Map()
  #realms: ReadonlyMap<string, PublishedRealm> = new Map()
  /** By name in lower case; undefined where names differ only in case. */
  #byLowerCase: ReadonlyMap<string, PublishedRealm | undefined> = new Map()
  #isComplete = false

  /** Calls `onChange` at once, and after each change of the source. */
  constructor(source: RealmSource, onChange: (realms: readonly PublishedRealm[]) => void) {
    this.#source = source
    this.#onChange = onChange
    this.#update()
    this.#unsubscribe = source.onChange(() => this.#update())
  }

  /** Whether the source was complete at some time. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Every realm that is served, also those of other clusters that share a name. */
  get all(): readonly PublishedRealm[] {
    return [...this.#members.values()].flat()
  }

  /** The realms of a name, where clusters share it; the realm itself else. */
  members({ realmName }: PublishedRealm): readonly PublishedRealm[] {
    return this.#members.get(realmName) ?? []
  }

  /** Of each name the realm that has it first. */
  get realms(): ReadonlyMap<string, PublishedRealm> {
    return this.#realms
  }

  /** The realm with this name, in whatever case where that is unambiguous: players type names, and some clients lower them. */
  named(name: string): PublishedRealm | undefined {
    return this.#realms.get(name) ?? this.#byLowerCase.get(name.toLowerCase())
  }

  /** How many realms are not served because another one has their name. */
  get clashes(): number {
    return this.#source.realms().length - this.all.length
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
  }

  #update(): void {
    this.#members = membersByName(this.#source.realms())
    this.#realms = new Map(Array.from(this.#members).flatMap(([name, [first]]) => (first ? [[name, first]] : [])))
    this.#byLowerCase = byLowerCase(this.#realms)
    this.#isComplete ||= this.#source.ready()
    this.#onChange(this.all)
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
