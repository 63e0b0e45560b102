import { realmKeyId, realmToken } from '../../../cells/identity/realm-token.ts'
import { keyText } from '../../../crds/object.ts'
import { type CommsCell, type Realm, realmNameOf } from '../../../crds/realm.ts'
import { realmChildMeta, realmTokenSecretName } from '../../desired/naming.ts'
import type { Cache } from '../cache/cache.ts'
import type { Writer } from './writer.ts'

export interface RealmTokensParts {
  cache: Pick<Cache, 'keys' | 'realm'>
  writer: Pick<Writer, 'createSecret'>
  /** The key from which the movement relay derives the tokens, too. */
  key: string
}

/**
 * Creates the Secrets with the tokens of realms at the movement relay. The relay tells realms apart by their names in lower case, so of
 * several with one name the oldest gets the token: no tenant speaks for the realm of another one.
 */
export class RealmTokens {
  readonly #parts: RealmTokensParts
  /** Secrets that were created, or found, in this process. */
  readonly #created = new Set<string>()

  constructor(parts: RealmTokensParts) {
    this.#parts = parts
  }

  async ensure(realm: Realm, cells: readonly CommsCell[]): Promise<void> {
    const { writer, key } = this.#parts
    // A cell may still name the Secret of another key.
    const name = realmTokenSecretName(realm, realmKeyId(key))
    const id = `${realm.metadata.uid}/${name}`
    const isNeeded = cells.some(({ spec }) => spec.movement?.secretName === name)
    if (!isNeeded || this.#created.has(id) || !this.#isFirst(realm)) return
    await writer.createSecret({
      metadata: realmChildMeta(realm, name, 'connector'),
      values: { token: realmToken(key, realmNameOf(realm)) },
    })
    this.#created.add(id)
  }

  #isFirst(realm: Realm): boolean {
    const { cache } = this.#parts
    const name = realmNameOf(realm).toLowerCase()
    const others = cache.keys('Realm').flatMap((key) => cache.realm(key) ?? [])
    return others.every((other) => realmNameOf(other).toLowerCase() !== name || !isOlder(other, realm))
  }
}

const isOlder = (a: Realm, b: Realm): boolean => ageOf(a) < ageOf(b)

const ageOf = ({ metadata }: Realm): string => `${metadata.creationTimestamp ?? ''} ${keyText(metadata)}`
