import { createServer } from 'node:http'
import { queryObjects } from 'node:v8'

/** What a process keeps in memory after a garbage collection. */
export interface Held {
  heapMb: number
  rssMb: number
  /** Sockets, timers and other resources that keep the event loop alive, by kind. */
  handles: Record<string, number>
  /** Objects of the kinds that accumulate when entries are never removed. */
  objects: Record<string, number>
}

// Imported before a program: serves these figures on its own port.
if (process.env.HEAP_PAGE_PORT) {
  const server = createServer((_, response) => {
    globalThis.gc?.()
    const handles: Record<string, number> = {}
    for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
    const kinds = { Map, Set, Promise, AbortSignal }
    const objects = Object.fromEntries(Object.entries(kinds).map(([kind, made]) => [kind, Number(queryObjects(made))]))
    const { heapUsed, rss } = process.memoryUsage()
    const held: Held = { heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20, handles, objects }
    response.end(JSON.stringify(held))
  })
  server.listen(Number(process.env.HEAP_PAGE_PORT), '127.0.0.1').unref()
}
