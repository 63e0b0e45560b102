import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { silentLog } from '../cells/chassis/log.ts'
import type { KubeClient } from '../cells/kube/kube-client.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { createReflector } from '../cells/kube/reflector.ts'
import { collectionPath } from '../cells/kube/resources.ts'
import { conditionOf, type Realm } from '../crds/realm.ts'
import { realmResource } from '../crds/resources.ts'

/** A minimal realm provider for the operator benchmarks; it answers from memory. */
export interface WatchingProvider {
  url: string
  published(realm: string): boolean
  /** Realms it serves. */
  size(): number
  stop(): Promise<void>
}

/** Starts a realm provider that watches Realms, and which of them have the conditions Published and Ready. */
export async function startProvider(client: KubeClient, namespace: string): Promise<WatchingProvider> {
  const adapters = new Map<string, string>()
  const published = new Set<string>()
  const realms = createReflector<KubeObject & Realm, { name: string; adapter: string | undefined; isPublished: boolean }>({
    client,
    path: collectionPath(realmResource, namespace),
    project: (live) => ({
      name: live.metadata.name,
      adapter: live.status?.endpoints?.find(({ state }) => state === 'Serving')?.adapter,
      isPublished: conditionOf(live, 'Published')?.status === 'True' && conditionOf(live, 'Ready')?.status === 'True',
    }),
    onChange: ({ type, object: { name, adapter, isPublished } }) => {
      if (adapter && type !== 'removed') adapters.set(name, adapter)
      else adapters.delete(name)
      if (isPublished && type !== 'removed') published.add(name)
      else published.delete(name)
    },
    log: silentLog,
  })
  realms.start()
  const server = createServer((request, response) => {
    const adapter = adapters.get((request.url ?? '').split('/')[1] ?? '')
    response.writeHead(adapter ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ comms: { adapter } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published: (realm) => published.has(realm),
    size: () => adapters.size,
    async stop() {
      await realms.stop()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
