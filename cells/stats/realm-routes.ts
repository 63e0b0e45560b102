import { cachedAnswer } from '../chassis/cached-answer.ts'
import type { Clock } from '../chassis/clock.ts'
import { json, ok, type Route, route } from '../chassis/http.ts'
import { byAddress, byId, byPeers, islandById, islandsJson, parcelsJson, peersJson } from './core/response-json.ts'
import type { Snapshot } from './core/snapshot.ts'

export interface RealmRouteDependencies {
  /** The realm as explorers name it; its name in these answers is in lower case. */
  realmName: string
  snapshot: Snapshot
  clock: Clock
}

/**
 * The routes by realm with which the movement relay of Decentraland replaces its statistics (explorers.md §3). These statistics know one
 * realm. Another one is, as there, an empty realm and no error; its name is compared without regard to case.
 */
export function realmRoutes({ realmName, snapshot, clock }: RealmRouteDependencies): Route[] {
  const realm = realmName.toLowerCase()
  const ofSnapshot = (body: () => unknown) => cachedAnswer(() => snapshot.revision, clock, body)
  const islandsOf = () =>
    islandsJson(snapshot)
      .map((island) => ({ ...island, peers: island.peers.sort(byAddress) }))
      .sort(byId)
  const lists = {
    peers: () => peersJson(snapshot, []).sort(byAddress),
    parcels: () => parcelsJson(snapshot).sort(byPeers),
    islands: islandsOf,
  }
  const realms = ofSnapshot(() => ({
    realms: [{ name: realm, peers: snapshot.peerCount, clusters: [...snapshot.islands()].length }],
    lastUpdated: clock.now(),
  }))
  const routes = (Object.keys(lists) as (keyof typeof lists)[]).map((list) => {
    const ours = ofSnapshot(() => ({ ok: true, realm, [list]: lists[list]() }))
    return route('GET', `/realms/:realm/${list}`, ({ params }) => {
      const asked = params.realm.toLowerCase()
      return asked === realm ? ours() : ok({ ok: true, realm: asked, [list]: [] })
    })
  })
  return [
    route('GET', '/realms', realms),
    ...routes,
    route('GET', '/realms/:realm/islands/:id', ({ params }) => {
      const island = params.realm.toLowerCase() === realm ? islandById(snapshot, params.id) : undefined
      return island ? ok({ ...island, peers: island.peers.sort(byAddress) }) : json(404, { ok: false })
    }),
  ]
}

/** Peers with the realm they are in: those that are named, or all. */
export function peersInRealm({ realmName, snapshot }: Omit<RealmRouteDependencies, 'clock'>, ids: readonly string[]): object[] {
  const realm = realmName.toLowerCase()
  return peersJson(snapshot, ids).map((peer) => ({ ...peer, realm }))
}
