import { cachedAnswer } from '../chassis/cached-answer.ts'
import type { Clock } from '../chassis/clock.ts'
import { ok, type Route, route } from '../chassis/http.ts'
import { byAddress, byId, byPeers, islandById, islandsJson, type PeerJson, parcelsJson, peersJson } from './core/response-json.ts'
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
  // A realm is there as long as players are in it.
  const summaries = () =>
    snapshot.peerCount === 0 ? [] : [{ name: realm, peers: snapshot.peerCount, clusters: [...snapshot.islands()].length }]
  const lists = {
    peers: () => peersJson(snapshot, []).sort(byAddress),
    parcels: () => parcelsJson(snapshot).sort(byPeers),
    islands: islandsOf,
  }
  const realms = ofSnapshot(() => ({
    realms: summaries(),
    lastUpdated: new Date(clock.now()).toISOString(),
  }))
  const answerOf = (name: string, list: keyof typeof lists, body: readonly object[]) =>
    list === 'parcels' ? { realm: name, parcels: body } : { ok: true, realm: name, [list]: body }
  const routes = (Object.keys(lists) as (keyof typeof lists)[]).map((list) => {
    const ours = ofSnapshot(() => answerOf(realm, list, lists[list]()))
    return route('GET', `/realms/:realm/${list}`, ({ params }) => {
      const asked = params.realm.toLowerCase()
      return asked === realm ? ours() : ok(answerOf(asked, list, []))
    })
  })
  return [
    route('GET', '/realms', realms),
    ...routes,
    route('GET', '/realms/:realm/islands/:id', ({ params }) => {
      const island = params.realm.toLowerCase() === realm ? islandById(snapshot, params.id) : undefined
      return island ? ok({ ...island, peers: island.peers.sort(byAddress) }) : { status: 404 }
    }),
  ]
}

/** Peers with the realm they are in, by address: those that are named, or all. */
export const peersInRealm = ({ realmName, snapshot }: Omit<RealmRouteDependencies, 'clock'>, ids: readonly string[]): object[] =>
  peersJson(snapshot, ids)
    .sort(byAddress)
    .map((peer) => inRealm(peer, realmName))

export const inRealm = (peer: PeerJson, realmName: string): object => ({ ...peer, realm: realmName.toLowerCase() })
