import type { KubeObject } from './kube-object.ts'
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts'
import { collectionPath, type Resource } from './resources.ts'

/** One copy of the objects of a kind in some namespaces, each of which is watched by itself; without any, in all namespaces. */
export function reflectNamespaces<Live extends KubeObject, T = Live>(
  resource: Resource,
  namespaces: readonly string[],
  options: Omit<ReflectorOptions<Live, T>, 'path'>,
): Reflector<T> {
  const isWhole = namespaces.length === 0 || resource.clusterScoped
  const paths = isWhole ? [collectionPath(resource)] : namespaces.map((each) => collectionPath(resource, each))
  const reflectors = paths.map((path) => createReflector<Live, T>({ ...options, path }))
  return {
    start() {
      for (const reflector of reflectors) reflector.start()
    },
    stop: async () => void (await Promise.all(reflectors.map((reflector) => reflector.stop()))),
    synced: Promise.all(reflectors.map(({ synced }) => synced)).then(() => undefined),
    get: (key) => reflectors.map((reflector) => reflector.get(key)).find((object) => object !== undefined),
    list: () => reflectors.flatMap((reflector) => reflector.list()),
    healthy: () => reflectors.every((reflector) => reflector.healthy()),
    get absence() {
      return reflectors.find(({ absence }) => absence !== undefined)?.absence
    },
  }
}
