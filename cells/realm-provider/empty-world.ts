import type { Clock } from '../chassis/clock.ts'
import { json, ok, type Route, route } from '../chassis/http.ts'
import type { PublishedRealm } from './core/published-realm.ts'

const nothing = json(404, { error: 'Not Found' })

/**
 * The content and the profiles of realms that declare no catalyst: there is nothing, and asking for it is no error. Explorers can
 * then meet in an empty world without a content server (comms.md §12.2).
 *
 * @param realmNamed finds a realm, or refuses
 */
export function emptyWorldRoutes(realmNamed: (name: string) => PublishedRealm, clock: Clock): Route[] {
  const isEmpty = (name: string) => realmNamed(name).content.catalysts.length === 0
  return [
    route('POST', '/:realm/content/entities/active', async ({ params, body }) => {
      if (!isEmpty(params.realm)) return nothing
      await body() // the pointers matter to nobody, but the connection must be rid of them
      return ok([])
    }),
    route('GET', '/:realm/content/status', ({ params }) =>
      isEmpty(params.realm)
        ? ok({
            version: '',
            commitHash: '',
            currentTime: clock.now(),
            synchronizationStatus: { synchronizationState: 'Syncing', lastSyncWithDAO: 0 },
          })
        : nothing,
    ),
    route('POST', '/:realm/lambdas/profiles', async ({ params, body }) => {
      if (!isEmpty(params.realm)) return nothing
      await body()
      return ok([])
    }),
    route('GET', '/:realm/lambdas/profiles/:id', ({ params }) => {
      realmNamed(params.realm)
      return json(404, { error: 'Profile not found' })
    }),
  ]
}
