import type { Realm } from '../../../crds/realm.ts'
import { realmResource } from '../../../crds/resources.ts'
import type { Log } from '../../chassis/log.ts'
import type { KubeMetrics } from '../../kube/kube-metrics.ts'
import { createReflector } from '../../kube/reflector.ts'
import { collectionPath } from '../../kube/resources.ts'
import type { Transport } from '../../kube/transport.ts'
import { type PublishedRealm, publishedRealm } from '../core/published-realm.ts'
import type { RealmSource } from './realm-source.ts'

/** Which API server, and whose realms. */
export interface KubernetesSourceOptions {
  transport: Pick<Transport, 'list' | 'watch'>
  /** One namespace, or every one when empty. */
  namespace: string
  log: Log
  metrics?: KubeMetrics
}

/** What is kept of a Realm object: nothing else of it takes memory. */
interface Kept {
  published: PublishedRealm | undefined
}

/** Watches the Realm objects of a cluster; while the API server is away, realms stay as they were last seen. */
export function createKubernetesSource({ transport, namespace, log, metrics }: KubernetesSourceOptions): RealmSource {
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  let complete = false
  const reflector = createReflector<Realm, Kept>({
    transport,
    path: collectionPath(realmResource, namespace || undefined),
    project: (realm) => ({ published: publishedRealm(realm) }),
    onChange: ({ type, object, previous }) => {
      // Most changes of a Realm, such as its conditions, are nothing to players.
      if (type === 'changed' && JSON.stringify(object) === JSON.stringify(previous)) return
      tell()
    },
    log,
    metrics,
  })
  reflector.start()
  void reflector.synced.then(() => {
    complete = true
    tell()
  })
  return {
    realms: () => reflector.list().flatMap(({ published }) => published ?? []),
    ready: () => complete,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: async () => {
      listeners.clear()
      await reflector.stop()
    },
  }
}
