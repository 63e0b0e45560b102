import type { Realm } from '../../../crds/realm.ts'
import { realmResource } from '../../../crds/resources.ts'
import { Listeners } from '../../chassis/listeners.ts'
import type { Log } from '../../chassis/log.ts'
import type { KubeClient } from '../../kube/kube-client.ts'
import type { KubeMetrics } from '../../kube/kube-metrics.ts'
import { reflectNamespaces } from '../../kube/reflectors.ts'
import { type PublishedRealm, publishedRealm } from '../core/published-realm.ts'
import { factsOf, type RealmFacts } from '../core/realm-facts.ts'
import type { RealmSource } from './realm-source.ts'

/** The API server to watch, and the namespace of the Realms. */
export interface KubernetesSourceOptions {
  client: Pick<KubeClient, 'list' | 'watch'>
  /** Empty = every namespace. */
  namespaces: readonly string[]
  log: Log
  metrics?: KubeMetrics
}

/** The part of a Realm object that is kept in memory. */
interface Projection {
  facts: RealmFacts
  /** Undefined while the Realm is not to be published. */
  published: PublishedRealm | undefined
}

/** Watches the Realm objects of a cluster; while the API server is unreachable, realms stay as they were last seen. */
export function createKubernetesSource({ client, namespaces, log, metrics }: KubernetesSourceOptions): RealmSource {
  const listeners = new Listeners()
  let complete = false
  const reflector = reflectNamespaces<Realm, Projection>(realmResource, namespaces, {
    client,
    project: (realm) => ({ published: publishedRealm(realm), facts: factsOf(realm) }),
    onChange: ({ type, object, previous }) => {
      // Most changes of a Realm, such as those of its conditions, change nothing that is published.
      if (type === 'changed' && JSON.stringify(object.published) === JSON.stringify(previous?.published)) return
      listeners.notify()
    },
    log,
    metrics,
  })
  reflector.start()
  void reflector.synced.then(() => {
    complete = true
    listeners.notify()
  })
  return {
    realms: () => reflector.list().flatMap(({ published }) => published ?? []),
    facts: () => reflector.list().map(({ facts }) => facts),
    ready: () => complete,
    onChange: (listener) => listeners.add(listener),
    stop: async () => {
      listeners.clear()
      await reflector.stop()
    },
  }
}
