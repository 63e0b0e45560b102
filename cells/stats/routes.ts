import { randomUUID } from 'node:crypto'
import { cachedAnswer } from '../chassis/cached-answer.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Build } from '../chassis/health.ts'
import { json, ok, type Route, route } from '../chassis/http.ts'
import { slicedAnswer } from '../chassis/sliced-answer.ts'
import type { HotSceneSource } from './adapters/hot-scenes-poller.ts'
import { realmMap } from './core/realm-map.ts'
import {
  cellsJson,
  coreStatus,
  islandById,
  islandsText,
  listText,
  parcelsJson,
  peerJson,
  peersText,
  peersTextByAddress,
} from './core/response-json.ts'
import type { Snapshot } from './core/snapshot.ts'
import { inRealm, peersInRealm, realmRoutes } from './realm-routes.ts'

/** `build` is shown at `/status`; everything else is answered from memory. */
export interface StatsRouteDependencies {
  snapshot: Snapshot
  hotScenes: HotSceneSource
  clock: Clock
  build: Build
  /** The realm as explorers name it. */
  realmName: string
}

/** The API of comms.md §8.1: at the root, partly also below `/comms`, and all of it again below `/stats`. */
export function statsRoutes({ snapshot, hotScenes, clock, build, realmName }: StatsRouteDependencies): Route[] {
  const ofSnapshot = (body: () => unknown) => cachedAnswer(() => snapshot.revision, clock, body)
  const inSlices = (pieces: () => Iterable<string>) => slicedAnswer(() => snapshot.revision, clock, pieces)
  const allPeers = inSlices(() => listText('"ok":true', 'peers', peersText(snapshot)))
  const peersOfAllRealms = inSlices(() =>
    listText(
      '"ok":true',
      'peers',
      peersTextByAddress(snapshot, (peer) => inRealm(peer, realmName)),
    ),
  )
  const parcels = ofSnapshot(() => ({ parcels: parcelsJson(snapshot) }))
  const islands = inSlices(() => listText('"ok":true', 'islands', islandsText(snapshot)))
  const instance = randomUUID()
  const map = ofSnapshot(() => realmMap(snapshot, instance, clock.monotonic()))
  const scenes = cachedAnswer(hotScenes.current, clock, hotScenes.current)

  const alsoBelowComms: Route[] = [
    route('GET', '/peers', ({ query }) => {
      const ids = query.getAll('id').map(asId)
      if (ids.length === 0) return asksForAll(query) ? peersOfAllRealms() : allPeers()
      return ok({ ok: true, peers: peersInRealm({ realmName, snapshot }, ids) })
    }),
    route('GET', '/peers/:id', ({ params }) => {
      const peer = snapshot.peer(asId(params.id))
      return peer ? ok({ ok: true, peer: inRealm(peerJson(peer), realmName) }) : json(404, { ok: false, peer: null })
    }),
    route('GET', '/parcels', parcels),
    route('GET', '/islands', islands),
    route('GET', '/islands/:id', ({ params }) => {
      const island = islandById(snapshot, params.id)
      return island ? ok(island) : { status: 404 }
    }),
  ]
  const atRoot: Route[] = [
    ...realmRoutes({ realmName, snapshot, clock }),
    route('GET', '/hot-scenes', scenes),
    route('GET', '/core-status', () => ok(coreStatus(snapshot, clock.monotonic()))),
    // An addition to upstream's API: players by cell, so that the realm provider can send the next player to the emptiest cell.
    route('GET', '/cells', () => ok({ ok: true, cells: cellsJson(snapshot, clock.monotonic()) })),
    // Another one: the whole realm in few bytes, for the console of the realm provider.
    route('GET', '/map', map),
    route('GET', '/health', () => ({ status: 200 })),
    route('GET', '/status', () =>
      json(
        200,
        {
          version: build.version,
          currentTime: clock.now(),
          commitHash: build.commitHash,
          realms: [{ name: realmName.toLowerCase(), peers: snapshot.peerCount }],
        },
        { 'access-control-allow-origin': '*' },
      ),
    ),
  ]
  const api = [...alsoBelowComms, ...below('/comms', alsoBelowComms), ...atRoot]
  // At the root it is the description of the realm.
  const about = route('GET', '/stats/about', () => ok({ commitHash: build.commitHash, userCount: snapshot.peerCount }))
  return [...api, ...below('/stats', api), about]
}

/** `?all`, `?all=true`. */
const asksForAll = (query: URLSearchParams): boolean => query.has('all') && query.get('all') !== 'false'

/** Explorers may write a wallet with the upper case letters of its checksum (EIP-55); ids are in lower case. */
const asId = (wallet: string): string => wallet.toLowerCase()

const below = (prefix: string, routes: readonly Route[]): Route[] =>
  routes.map((each) => ({ ...each, path: `${prefix}${each.path}` as const }))
