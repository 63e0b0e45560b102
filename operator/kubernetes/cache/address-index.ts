import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { addressesOf, gatekeeperHostsOf, holderOf, publicAddressOf } from '../../desired/public-address.ts'
import type { TakenHost } from '../../observed/workload.ts'
import type { Declared } from './declared.ts'
import { Index } from './index-by.ts'

/** Realms by the addresses that they ask for. */
export class AddressIndex {
  readonly #realms = new Index<Realm>(({ metadata }) => keyText(metadata))
  readonly #current: (key: ObjectKey) => Realm | undefined

  /** @param current the realm with a key, with what the operator wrote last */
  constructor(current: (key: ObjectKey) => Realm | undefined) {
    this.#current = current
  }

  /** Returns the realms that may get an address which this realm leaves. */
  update({ type, object, previous = object }: CollectionChange<Declared<Realm>>): ObjectKey[] {
    const addresses = type === 'removed' ? [] : addressesOf(object.object)
    const left = addressesOf(previous.object).filter((address) => !addresses.includes(address))
    for (const address of left) this.#realms.remove(address, previous.object)
    for (const address of addresses) this.#realms.put(address, object.object)
    return left.flatMap((address) => this.#realms.in(address).map(({ metadata }) => metadata))
  }

  /** The realm that has the public address of this one; undefined while no other has it. */
  takenBy(realm: Realm): ObjectKey | undefined {
    const address = publicAddressOf(realm)
    return address === undefined ? undefined : this.#otherHolder(address, realm)
  }

  /** The further hosts of its gatekeeper that other realms have. */
  hostsTakenFrom(realm: Realm): TakenHost[] {
    return gatekeeperHostsOf(realm).flatMap((host) => {
      const by = this.#otherHolder(host, realm)
      return by ? [{ host, by }] : []
    })
  }

  #otherHolder(address: string, realm: Realm): ObjectKey | undefined {
    const asking = this.#realms.in(address).flatMap(({ metadata }) => this.#current(metadata) ?? [])
    const holder = asking.length > 1 ? holderOf(address, asking) : undefined
    return holder && keyText(holder) !== keyText(realm.metadata) ? holder : undefined
  }
}
