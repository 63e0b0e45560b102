import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { json, ok, type Route, route, text } from '../chassis/http.ts'
import { type AboutDependencies, createAboutHandler, originOf } from './about-handler.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import { consoleRoutes } from './console.ts'
import { mergeHotScenes } from './core/merge-hot-scenes.ts'
import type { PublishedRealm } from './core/published-realm.ts'
import { emptyWorldRoutes } from './empty-world.ts'

/** Everything the routes read. */
export interface ProviderRouteDependencies extends AboutDependencies {
  /** The realms that are served, by name; nothing while it is not known which there are. */
  realms: () => ReadonlyMap<string, PublishedRealm> | undefined
  stats: RealmStats
  clock: Clock
  build: Build
}

/** The API of comms.md §3, for every realm instead of one; always answered from memory. */
export function providerRoutes(sources: ProviderRouteDependencies): Route[] {
  const { stats, baseUrl, clock, build } = sources
  const about = createAboutHandler(sources)
  const known = () => {
    const realms = sources.realms()
    // A 404 now would make explorers give up on realms that we only have not heard of yet.
    if (!realms) throw new Refusal('UNAVAILABLE', 'it is not known yet which realms there are')
    return realms
  }
  const realmNamed = (name: string) => {
    const realm = known().get(name)
    if (!realm) throw new Refusal('NOT_FOUND', `there is no realm '${name}' here`)
    return realm
  }
  // Health means comms and world, exactly as `/about` tells it, so that the two never disagree.
  const isHealthy = ({ healthy, content: { catalysts } }: PublishedRealm) =>
    healthy && (catalysts.length === 0 || sources.catalysts.known(catalysts).some((catalyst) => catalyst.healthy))

  return [
    route('GET', '/ping', ({ path }) => text(path)),
    route('GET', '/status', () => ok({ version: build.version, currentTime: clock.now(), commitHash: build.commitHash })),
    route('GET', '/realms', (ask) => {
      const base = baseUrl ?? originOf(ask)
      const healthy = [...known().values()].filter(isHealthy)
      return ok(
        healthy.map((realm) => ({
          serverName: realm.realmName,
          url: `${base}/${encodeURIComponent(realm.realmName)}`,
          usersCount: stats.playerCount(realm)?.total ?? 0,
        })),
      )
    }),
    route('GET', '/:realm/about', (ask) => about(realmNamed(ask.params.realm), ask)),
    route('GET', '/hot-scenes', () => {
      const scenes = Array.from(known().values(), (realm) => ({ realmName: realm.realmName, scenes: stats.hotScenes(realm) }))
      return ok(mergeHotScenes(scenes))
    }),
    // Bevy asks and expects none (comms.md §3.4).
    route('GET', '/:realm/scenes', () => json(404, { error: 'Not Found' })),
    ...emptyWorldRoutes(realmNamed, clock),
    ...consoleRoutes(known, stats),
  ]
}
