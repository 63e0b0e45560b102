import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KubeAccess } from './kube-access.ts'
import type { KubeClient, KubeQuery, WatchOptions } from './kube-client.ts'
import type { KubeList, KubeObject, WatchEvent } from './kube-object.ts'

/** A small object of the API server at a version. */
export const aThing = (name: string, resourceVersion: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { namespace: 'default', name, resourceVersion, labels },
})

/** The list of some things, as of a version. */
export const aList = (resourceVersion: string, items: KubeObject[], next?: string): KubeList<KubeObject> => ({
  apiVersion: 'v1',
  kind: 'ThingList',
  metadata: { resourceVersion, ...(next && { continue: next }) },
  items,
})

/** An open watch that the test controls. */
export interface OpenWatch {
  query: KubeQuery
  send(...events: WatchEvent<KubeObject>[]): void
  /** The server ends the stream. */
  end(): void
  /** The stream breaks, or is refused. */
  fail(error: Error): void
  readonly aborted: boolean
}

/** A client whose responses the test provides: lists from a queue, watches by hand. */
export function scriptedClient(lists: (KubeList<KubeObject> | Error)[]) {
  const listQueries: KubeQuery[] = []
  const watches: OpenWatch[] = []
  const client: Pick<KubeClient, 'list' | 'watch'> = {
    async list<T>(_path: string, query: KubeQuery) {
      listQueries.push(query)
      const answer = lists.shift()
      if (!answer) throw new Error('the test has no answer to this list')
      if (answer instanceof Error) throw answer
      return structuredClone(answer) as KubeList<T>
    },
    watch<T>(_path: string, { query, signal, onOpen, onEvent }: WatchOptions<T>) {
      return new Promise<void>((resolve, reject) => {
        const attempt = (act: () => void) => {
          try {
            act()
          } catch (error) {
            reject(error)
          }
        }
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
        onOpen?.()
        watches.push({
          query,
          send: (...events) =>
            attempt(() => {
              for (const event of events) onEvent(structuredClone(event) as WatchEvent<T>)
            }),
          end: resolve,
          fail: reject,
          get aborted() {
            return signal.aborted
          },
        })
      })
    },
  }
  return { client, listQueries, watches }
}

/** An API server made of one function, on plain HTTP, and the access to it. */
export async function aServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer)
  let connections = 0
  server.on('connection', () => {
    connections++
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const access: KubeAccess = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    tls: {},
    headers: async () => ({}),
  }
  return {
    access,
    connections: () => connections,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
