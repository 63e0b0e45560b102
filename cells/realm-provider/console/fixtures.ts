import { ManualClock } from '../../chassis/clock.ts'
import type { RealmMap } from '../../wire/realm-map.ts'
import type { PolledMap } from '../adapters/map-poller.ts'
import { publishedRealm } from '../core/published-realm.ts'
import { factsOf } from '../core/realm-facts.ts'
import { aRealm } from '../fixtures.ts'
import { RequestTally } from './request-tally.ts'
import type { ConsoleSources } from './sources.ts'

/** A map without peers; the test overrides what it is about. */
export const aMap = (given: Partial<RealmMap> = {}): RealmMap => ({
  ok: true,
  instance: 'a',
  peers: 0,
  tile: 1,
  tiles: [],
  dots: [],
  islandCount: 0,
  islands: [],
  cells: [],
  ...given,
})

/** What is known of one realm, realms/main, by its statistics. */
export function aPolledMap(map: RealmMap | undefined = aMap()): PolledMap {
  const realm = publishedRealm(aRealm())
  if (!realm) throw new Error('the realm of the test is not published')
  const latest = map && { map, atMs: 0 }
  return {
    key: 'realms/main',
    realm,
    latest,
    rates: [],
    overview: undefined,
    latencyMs: 12,
    failingSince: undefined,
    problem: '',
  }
}

/** Sources of the console that a test may change: one realm with a map, and a manual clock. */
export function someSources(given: Partial<ConsoleSources> = {}) {
  const clock = new ManualClock()
  const polled = aPolledMap()
  const players = { count: 3 }
  const listeners = new Set<(polled: PolledMap) => void>()
  const facts = [factsOf(aRealm())]
  const sources: ConsoleSources = {
    facts: () => facts,
    realms: () => [polled.realm],
    leases: () => [],
    events: () => [],
    catalysts: { statuses: () => [] },
    services: { statuses: () => [] },
    stats: { playerCount: () => ({ total: players.count }) },
    maps: {
      get: (key) => (key === polled.key ? polled : undefined),
      all: () => [polled],
      onMap(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    tally: new RequestTally(),
    version: '1.0.0',
    clock,
    ...given,
  }
  const arrive = (map: RealmMap) => {
    polled.latest = { map, atMs: clock.monotonic() }
    for (const listener of listeners) listener(polled)
  }
  return { sources, clock, polled, players, arrive, facts }
}
