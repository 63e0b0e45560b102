import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { Listeners } from '../../../cells/chassis/listeners.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { DEFAULT_TTL_SECONDS, publicationOf } from '../../../crds/publication.ts'
import { type Realm, realmNameOf } from '../../../crds/realm.ts'
import type { RemotePublicationStatus } from '../../observed/publication-status.ts'
import type { RealmObserver } from '../observer.ts'
import { type RemoteProvider, type RequestProvider, requestProvider } from './publication-request.ts'
import { PublishedName } from './published-name.ts'

/**
 * Publishes realms at the realm providers of other clusters, and observes how that goes. `watch` publishes what the status of the
 * realm says; `get` returns the state of its lease at each provider of its spec. What is published when it is forgotten expires
 * by itself.
 */
export interface RemotePublication extends RealmObserver<readonly RemotePublicationStatus[]> {
  /**
   * Whether a provider may route players to a cell of a realm: because the cell was published and the provider has not confirmed
   * its removal, or because an earlier leader may have published it. A lease that has expired routes nowhere.
   */
  mayRouteTo(realm: Realm, cell: string): boolean
  /**
   * Gives back, in the background, every name of a realm that is deleted, and stops observing it. No deletion waits for that: a name that
   * cannot be given back, or that only an earlier leader knows, expires by itself.
   */
  withdraw(realm: ObjectKey): void
}

export interface RemotePublicationOptions {
  /**
   * The only providers that receive requests, whatever a Realm names: no other host may get a token, or be reached from inside
   * the cluster.
   */
  providers: readonly RemoteProvider[]
  clock: Clock
  /** When the leadership term of this operator began, in milliseconds since the epoch. */
  epoch: number
  /** By default over HTTP. */
  request?: RequestProvider
  /** A number from 0 to 1 that spreads renewals in time. */
  random?: () => number
}

/** A provider that cannot be reached is not asked any longer than this to give a name back. */
const WITHDRAW_DEADLINE_MS = 30_000

interface PublishedRealm {
  uid: string
  /** The providers of its spec. */
  urls: readonly string[]
  /** By the URL of the provider; a name that is given back stays until that is done. */
  names: Map<string, PublishedName>
}

/** Holds the leases of realm names at remote providers for as long as it runs; what it leaves behind expires by itself. */
export class LeasedPublication implements RemotePublication, Running {
  readonly #options: RemotePublicationOptions
  readonly #providers: ReadonlyMap<string, RemoteProvider>
  readonly #realms = new Map<string, PublishedRealm>()
  /** Names of deleted realms that are being given back. */
  readonly #withdrawn = new Set<PublishedName>()
  readonly #listeners = new Listeners<ObjectKey>()

  constructor(options: RemotePublicationOptions) {
    this.#options = options
    this.#providers = new Map(options.providers.map((provider) => [provider.url, provider]))
  }

  watch(realm: Realm): void {
    const targets = realm.spec.publication.providers
    if (targets.length === 0 && !this.#realms.has(keyText(realm.metadata))) return
    const published = this.#published(realm)
    published.urls = targets.map(({ url }) => url)
    for (const [url, name] of published.names) {
      if (published.urls.includes(url)) continue
      name.publish(undefined)
      if (name.isGone) published.names.delete(url)
    }
    for (const { url, ttlSeconds = DEFAULT_TTL_SECONDS } of targets)
      this.#nameAt(realm, url)?.publish(publicationOf(realm, ttlSeconds))
  }

  get(realm: ObjectKey): readonly RemotePublicationStatus[] | undefined {
    const published = this.#realms.get(keyText(realm))
    return published?.urls.map((url) => published.names.get(url)?.status ?? { url, state: 'notConfigured' })
  }

  mayRouteTo(realm: Realm, cell: string): boolean {
    const names = this.#realms.get(keyText(realm.metadata))?.names
    const isUnasked = ({ url }: { url: string }) => this.#providers.has(url) && !names?.has(url)
    if (realm.spec.publication.providers.some(isUnasked)) return true
    return [...(names?.values() ?? [])].some((name) => name.mayRouteTo(cell))
  }

  withdraw(realm: ObjectKey): void {
    for (const name of this.#realms.get(keyText(realm))?.names.values() ?? []) {
      name.publish(undefined)
      this.#withdrawn.add(name)
      this.#options.clock.after(WITHDRAW_DEADLINE_MS, () => {
        name.stop()
        this.#withdrawn.delete(name)
      })
    }
    this.#realms.delete(keyText(realm))
  }

  forget(realm: ObjectKey): void {
    for (const name of this.#realms.get(keyText(realm))?.names.values() ?? []) name.stop()
    this.#realms.delete(keyText(realm))
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#listeners.add(listener)
  }

  async stop(): Promise<void> {
    for (const { names } of this.#realms.values()) for (const name of names.values()) name.stop()
    for (const name of this.#withdrawn) name.stop()
    this.#realms.clear()
    this.#listeners.clear()
  }

  /** The names of an earlier Realm of the same name are given back. */
  #published({ metadata: { namespace, name, uid = '' } }: Realm): PublishedRealm {
    const known = this.#realms.get(keyText({ namespace, name }))
    if (known?.uid === uid) return known
    this.withdraw({ namespace, name })
    const published: PublishedRealm = { uid, urls: [], names: new Map() }
    this.#realms.set(keyText({ namespace, name }), published)
    return published
  }

  /** Undefined for a provider the operator is not configured for. */
  #nameAt(realm: Realm, url: string): PublishedName | undefined {
    const provider = this.#providers.get(url)
    const { names } = this.#published(realm)
    const { namespace, name, uid: publisher = '' } = realm.metadata
    if (!provider || names.has(url)) return names.get(url)
    const { clock, epoch, request = requestProvider, random = Math.random } = this.#options
    const onChange = () => this.#listeners.notify({ namespace, name })
    const realmName = realmNameOf(realm)
    const created = new PublishedName({ provider, realmName, publisher, epoch, clock, request, random, onChange })
    names.set(url, created)
    return created
  }
}
