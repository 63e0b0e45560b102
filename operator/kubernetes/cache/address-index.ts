import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { holderOf, publicAddressOf } from '../../desired/public-address.ts'
import type { Declared } from './declared.ts'
import { Index } from './index-by.ts'

/** Realms by their public address. */
export class AddressIndex {
  readonly #realms = new Index<Realm>(({ metadata }) => keyText(metadata))
  readonly #current: (key: ObjectKey) => Realm | undefined

  /** @param current the realm with a key, with what the operator wrote last */
  constructor(current: (key: ObjectKey) => Realm | undefined) {
    this.#current = current
  }

  /** Returns the realms that may get the address which this realm leaves. */
  update({ type, object, previous = object }: CollectionChange<Declared<Realm>>): ObjectKey[] {
    const [left, address] = [publicAddressOf(previous.object), publicAddressOf(object.object)]
    const isLeft = left !== undefined && (type === 'removed' || left !== address)
    if (isLeft) this.#realms.remove(left, previous.object)
    if (type !== 'removed' && address !== undefined) this.#realms.put(address, object.object)
    return isLeft ? this.#realms.in(left).map(({ metadata }) => metadata) : []
  }

  /** The realm that has the public address of this one; undefined while no other has it. */
  takenBy(realm: Realm): ObjectKey | undefined {
    const address = publicAddressOf(realm)
    if (address === undefined) return undefined
    const asking = this.#realms.in(address).flatMap(({ metadata }) => this.#current(metadata) ?? [])
    const holder = asking.length > 1 ? holderOf(address, asking) : undefined
    return holder && keyText(holder) !== keyText(realm.metadata) ? holder : undefined
  }
}
