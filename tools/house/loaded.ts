import { importsOf, sourceFiles } from './sources.ts'

/** Why a program loads a package before it does anything: most of the memory of an idle process is code. */
export const reasons = {
  '@dcl/protocol': 'reads and writes the messages of explorers and of the bus',
  '@electric-sql/pglite': 'is the embedded database',
  commander: 'parses the arguments',
  'find-my-way': 'finds the route of an HTTP request',
  'hash-wasm': 'hashes what wallets sign',
  'lru-cache': 'remembers a limited number of answers',
  'p-limit': 'limits what is under way at a time',
  pg: 'connects to PostgreSQL',
  pino: 'writes the log',
  'prom-client': 'counts metrics',
  undici: 'sends requests to other services, which every pod of this program does in a usual realm',
  ws: 'serves WebSockets',
  zod: 'checks the environment and what others answer',
} as const

const EVERY_SERVICE = ['find-my-way', 'pino', 'prom-client', 'zod'] as const

/**
 * The packages that each program loads when it starts, by the file it starts with. What only some configurations need is loaded when it
 * is needed: nats with the connection to a bus, livekit-server-sdk with the first request to LiveKit, @kubernetes/client-node with a
 * kubeconfig, pg or PGlite with the database, ws in an archipelago with embedded rooms, OpenTelemetry with a collector. Packages of a worker thread are its own.
 */
export const loadedAtStart: Readonly<Record<string, readonly (keyof typeof reasons)[]>> = {
  'cells/main.ts': ['pino'],
  'cells/archipelago/main.ts': [...EVERY_SERVICE, '@dcl/protocol'],
  'cells/compact/main.ts': [...EVERY_SERVICE, '@dcl/protocol', 'hash-wasm', 'lru-cache', 'undici', 'ws'],
  'cells/connector/main.ts': [...EVERY_SERVICE, '@dcl/protocol', 'hash-wasm', 'lru-cache', 'undici', 'ws'],
  'cells/gatekeeper/main.ts': [...EVERY_SERVICE, 'hash-wasm', 'lru-cache', 'p-limit', 'undici'],
  'cells/gatekeeper/adapters/pglite-engine.ts': ['@electric-sql/pglite'],
  'cells/gatekeeper/migrations/main.ts': ['pg', 'pino', 'zod'],
  'cells/identity/signature-worker.ts': ['hash-wasm'],
  'cells/pulse/main.ts': ['pino'],
  'cells/pulse/relay-process.ts': [...EVERY_SERVICE, 'hash-wasm', 'lru-cache', 'undici'],
  'cells/realm-provider/main.ts': [...EVERY_SERVICE, 'p-limit', 'undici'],
  'cells/stats/main.ts': [...EVERY_SERVICE, '@dcl/protocol', 'lru-cache', 'undici'],
  // What cli/main.ts loads once compiled code is kept.
  'cli/program.ts': ['commander'],
  'operator/main.ts': [...EVERY_SERVICE, 'lru-cache', 'p-limit', 'undici'],
}

const ours = new Set(sourceFiles())

/** The packages that a program loads when it starts, each with the files that import it. */
export function packagesOf(program: string): Map<string, string[]> {
  const files = new Set([program])
  const packages = new Map<string, string[]>()
  for (const file of files)
    for (const { to, isTypeOnly, isLazy } of importsOf(file)) {
      if (isTypeOnly || isLazy || to.startsWith('node:')) continue
      if (ours.has(to)) files.add(to)
      else {
        const name = packageOf(to)
        packages.set(name, [...(packages.get(name) ?? []), file])
      }
    }
  return packages
}

/** The name of the package that a module belongs to. */
export const packageOf = (module: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? module
