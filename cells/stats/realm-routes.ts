import { cachedAnswer } from '../chassis/cached-answer.ts'
import type { Clock } from '../chassis/clock.ts'
import { ok, type Route, route } from '../chassis/http.ts'
import { slicedAnswer } from '../chassis/sliced-answer.ts'
import {
  byAddress,
  byPeers,
  islandById,
  islandsText,
  listText,
  type PeerJson,
  parcelsJson,
  peersJson,
  peersTextByAddress,
} from './core/response-json.ts'
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
  // A realm is there as long as players are in it.
  const summaries = () =>
    snapshot.peerCount === 0 ? [] : [{ name: realm, peers: snapshot.peerCount, clusters: [...snapshot.islands()].length }]
  const inSlices = (list: string, pieces: () => Iterable<string>) =>
    slicedAnswer(
      () => snapshot.revision,
      clock,
      () => listText(`"ok":true,"realm":${JSON.stringify(realm)}`, list, pieces()),
    )
  const lists = {
    peers: inSlices('peers', () => peersTextByAddress(snapshot)),
    parcels: ofSnapshot(() => ({ realm, parcels: parcelsJson(snapshot).sort(byPeers) })),
    islands: inSlices('islands', () => islandsText(snapshot, 'byId')),
  }
  const realms = ofSnapshot(() => ({
    realms: summaries(),
    lastUpdated: new Date(clock.now()).toISOString(),
  }))
  const emptyList = (name: string, list: keyof typeof lists) =>
    ok(list === 'parcels' ? { realm: name, parcels: [] } : { ok: true, realm: name, [list]: [] })
  const routes = (Object.keys(lists) as (keyof typeof lists)[]).map((list) =>
    route('GET', `/realms/:realm/${list}`, ({ params }) => {
      const asked = params.realm.toLowerCase()
      return asked === realm ? lists[list]() : emptyList(asked, list)
    }),
  )
  return [
    route('GET', '/realms', realms),
    ...routes,
    route('GET', '/realms/:realm/islands/:id', ({ params }) => {
      const island = params.realm.toLowerCase() === realm ? islandById(snapshot, params.id) : undefined
      return island ? ok({ ...island, peers: island.peers.sort(byAddress) }) : { status: 404 }
    }),
  ]
}

/** Peers with the realm they are in, by address: those that are named. */
export const peersInRealm = ({ realmName, snapshot }: Omit<RealmRouteDependencies, 'clock'>, ids: readonly string[]): object[] =>
  peersJson(snapshot, ids)
    .sort(byAddress)
    .map((peer) => inRealm(peer, realmName))

export const inRealm = (peer: PeerJson, realmName: string): object => ({ ...peer, realm: realmName.toLowerCase() })
