import type { App } from './http.ts'
import { routedPath, splitTarget } from './request-target.ts'

/** Several apps behind one port, each below its own path; they can be added and removed while the port is open. */
export interface Mounts extends App {
  /** Serves `app` below `prefix` (`/cells/0`); the longest prefix wins; the returned function removes it. */
  mount(prefix: string, app: App): () => void
}

/** @param fallback serves the paths of no mounted app */
export function createMounts(fallback: App): Mounts {
  let mounted: { prefix: string; app: App }[] = []
  const find = (target = '/') => {
    const pathname = routedPath(splitTarget(target).pathname)
    return mounted.find(({ prefix }) => pathname === prefix || pathname.startsWith(`${prefix}/`)) ?? { prefix: '', app: fallback }
  }
  return {
    mount(prefix, app) {
      const entry = { prefix, app }
      mounted = [...mounted, entry].sort((a, b) => b.prefix.length - a.prefix.length)
      return () => {
        mounted = mounted.filter((other) => other !== entry)
      }
    },
    handle(request, response, basePath) {
      const { prefix, app } = find(request.url)
      app.handle(request, response, basePath + prefix)
    },
    upgrade(request, socket, head, basePath) {
      const { prefix, app } = find(request.url)
      return app.upgrade(request, socket, head, basePath + prefix)
    },
  }
}
