import type { Running } from '../../cells/chassis/lifecycle.ts'
import { Poller, type PollerOptions } from '../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'

/** Something outside that any number of realms depend on. */
export interface SharedTarget {
  realms: Map<string, ObjectKey>
}

/** Polls what realms depend on: once for all of them, and for as long as one of them does. */
export class SharedPoller<Target extends SharedTarget, Answer> implements Running {
  readonly #poller: Poller<Target, Answer>

  constructor(options: PollerOptions<Target, Answer>) {
    this.#poller = new Poller(options)
  }

  /** From now on a realm depends on these targets, by their keys, and on no others. */
  depend(realm: ObjectKey, targets: ReadonlyMap<string, () => Target>): void {
    const key = keyText(realm)
    for (const [name, { realms }] of this.#poller.targets())
      if (!targets.has(name) && realms.delete(key) && realms.size === 0) this.#poller.forget(name)
    const { namespace, name } = realm
    for (const [target, create] of targets) this.#poller.watch(target, create).realms.set(key, { namespace, name })
  }

  get(target: string): Target | undefined {
    return this.#poller.get(target)
  }

  /** Calls the listener with every realm that depends on a target which was found changed; the returned function ends that. */
  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(({ realms }) => {
      for (const realm of realms.values()) listener(realm)
    })
  }

  async stop(): Promise<void> {
    await this.#poller.stop()
  }
}
