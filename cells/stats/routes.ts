import type { Clock } from '../chassis/clock.ts'
import type { Build } from '../chassis/health.ts'
import { type Answer, json, ok, type Route, route } from '../chassis/http.ts'
import type { HotSceneSource } from './adapters/hot-scenes-poller.ts'
import type { Snapshot } from './core/snapshot.ts'
import { cellsJson, coreStatus, islandById, islandsJson, parcelsJson, peerJson, peersJson } from './core/views.ts'

/** Everything the routes read. */
export interface StatsSources {
  snapshot: Snapshot
  hotScenes: HotSceneSource
  clock: Clock
  build: Build
}

/** The API of comms.md §8.1: at the root, partly below `/comms`, and all of it once more below `/stats`. */
export function statsRoutes({ snapshot, hotScenes, clock, build }: StatsSources): Route[] {
  const onChange = (body: () => unknown) => memoized(() => snapshot.revision, clock, body)
  const allPeers = onChange(() => ({ ok: true, peers: peersJson(snapshot, []) }))
  const parcels = onChange(() => ({ parcels: parcelsJson(snapshot) }))
  const islands = onChange(() => ({ ok: true, islands: islandsJson(snapshot) }))
  const scenes = memoized(hotScenes.current, clock, hotScenes.current)

  const alsoBelowComms: Route[] = [
    route('GET', '/peers', ({ query }) => {
      const ids = query.getAll('id')
      return ids.length === 0 ? allPeers() : ok({ ok: true, peers: peersJson(snapshot, ids) })
    }),
    route('GET', '/peers/:id', ({ params }) => {
      const peer = snapshot.peer(params.id)
      return peer ? ok({ ok: true, peer: peerJson(peer) }) : json(404, { ok: false, peer: null })
    }),
    route('GET', '/parcels', parcels),
    route('GET', '/islands', islands),
    route('GET', '/islands/:id', ({ params }) => {
      const island = islandById(snapshot, params.id)
      return island ? ok(island) : { status: 404 }
    }),
  ]
  const atRoot: Route[] = [
    route('GET', '/hot-scenes', scenes),
    route('GET', '/core-status', () => ok(coreStatus(snapshot, clock.now()))),
    // Ours: which cell carries how many, so that the realm provider can send the next player to the emptiest.
    route('GET', '/cells', () => ok({ ok: true, cells: cellsJson(snapshot, clock.now()) })),
    route('GET', '/status', () =>
      json(
        200,
        { version: build.version, currentTime: clock.now(), commitHash: build.commitHash },
        { 'access-control-allow-origin': '*' },
      ),
    ),
  ]
  const api = [...alsoBelowComms, ...below('/comms', alsoBelowComms), ...atRoot]
  return [...api, ...below('/stats', api)]
}

const below = (prefix: string, routes: readonly Route[]): Route[] =>
  routes.map((one) => ({ ...one, path: `${prefix}${one.path}` as const }))

/** Bytes of a kept answer that buy it a millisecond: less than 10 kB is always built afresh, 10 MB at most once a second. */
const BYTES_PER_MS = 10_000

/**
 * Builds an answer once per change, however many ask. Where everything changes all the time, a long answer also lives as many
 * milliseconds as it would take to build it some ten times over, so that pollers never own the process.
 */
function memoized(version: () => unknown, clock: Clock, body: () => unknown): () => Answer {
  let kept: { version: unknown; answer: Answer; freshUntil: number } | undefined
  return () => {
    const current = version()
    const now = clock.now()
    if (kept && (kept.version === current || now < kept.freshUntil)) return kept.answer
    const bytes = Buffer.from(JSON.stringify(body()))
    const answer: Answer = { status: 200, headers: { 'content-type': 'application/json' }, body: bytes }
    kept = { version: current, answer, freshUntil: now + Math.floor(bytes.length / BYTES_PER_MS) }
    return answer
  }
}
