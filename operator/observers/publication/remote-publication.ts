import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { DEFAULT_TTL_SECONDS, publicationOf } from '../../../crds/publication.ts'
import { type Realm, realmNameOf } from '../../../crds/realm.ts'
import type { Elsewhere } from './elsewhere.ts'
import { type RemoteProvider, type RequestProvider, requestProvider } from './publication-request.ts'
import { PublishedName } from './published-name.ts'

/** What publishing elsewhere takes. */
export interface LeasedOptions {
  /** The only providers that are spoken to, whatever Realms name: a token goes nowhere else, and nobody reaches the inside of a network. */
  providers: readonly RemoteProvider[]
  clock: Clock
  /** Since when this operator leads, in milliseconds since the epoch. */
  epoch: number
  /** Asks a provider; over HTTP unless told. */
  ask?: RequestProvider
  /** A number from 0 to 1 that spreads renewals in time; chance unless told. */
  random?: () => number
}

/** Leases the names of realms at realm providers elsewhere, for as long as it runs; what it leaves behind ends by its time to live. */
export function createLeased({
  providers,
  ask = requestProvider,
  random = Math.random,
  ...given
}: LeasedOptions): Elsewhere & Running {
  const known = new Map(providers.map((provider) => [provider.url, provider]))
  const realms = new Map<string, { uid: string; names: Map<string, PublishedName> }>()
  const listeners = new Set<(key: ObjectKey) => void>()

  /** The names of a realm by URL of their provider; those of another Realm that had its name before are left to end. */
  function namesOf({ metadata: { namespace, name, uid = '' } }: Realm): Map<string, PublishedName> {
    const entry = realms.get(keyText({ namespace, name }))
    if (entry?.uid === uid) return entry.names
    forget({ namespace, name })
    const names = new Map<string, PublishedName>()
    realms.set(keyText({ namespace, name }), { uid, names })
    return names
  }

  function nameAt(realm: Realm, provider: RemoteProvider): PublishedName {
    const names = namesOf(realm)
    const { namespace, name, uid: publisher = '' } = realm.metadata
    const held = names.get(provider.url)
    if (held) return held
    const onChange = () => {
      for (const listener of listeners) listener({ namespace, name })
    }
    const created = new PublishedName({ provider, realmName: realmNameOf(realm), publisher, ask, random, onChange, ...given })
    names.set(provider.url, created)
    return created
  }

  function forget(key: ObjectKey): void {
    for (const held of realms.get(keyText(key))?.names.values() ?? []) held.stop()
    realms.delete(keyText(key))
  }

  return {
    publish(realm) {
      const targets = realm.spec.publication.providers
      if (targets.length === 0 && !realms.has(keyText(realm.metadata))) return []
      const names = namesOf(realm)
      for (const [url, held] of names) {
        if (targets.some((target) => target.url === url)) continue
        held.want(undefined)
        if (held.isGone) names.delete(url)
      }
      return targets.map(({ url, ttlSeconds = DEFAULT_TTL_SECONDS }) => {
        const provider = known.get(url)
        if (!provider) return { url, state: 'notConfigured' }
        const held = nameAt(realm, provider)
        held.want(publicationOf(realm, ttlSeconds))
        return held.lease
      })
    },
    mayLeadTo(realm, cell) {
      const names = realms.get(keyText(realm.metadata))?.names
      const isUntold = ({ url }: { url: string }) => known.has(url) && !names?.has(url)
      if (realm.spec.publication.providers.some(isUntold)) return true
      return [...(names?.values() ?? [])].some((held) => held.mayLeadTo(cell))
    },
    withdraw(realm) {
      const names = namesOf(realm)
      for (const { url } of realm.spec.publication.providers) {
        const provider = known.get(url)
        // Also what an operator before this one may have published.
        if (provider && !names.has(url)) nameAt(realm, provider).want(undefined, true)
      }
      for (const held of names.values()) held.want(undefined)
      return [...names.values()].every(({ isGone }) => isGone)
    },
    forget,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const { names } of realms.values()) for (const held of names.values()) held.stop()
      realms.clear()
      listeners.clear()
    },
  }
}
