import type { Clock } from '../chassis/clock.ts'
import { json, ok, type Route, route } from '../chassis/http.ts'
import type { PublishedRealm } from './core/published-realm.ts'

const notFound = json(404, { error: 'Not Found' })

/**
 * The content and the profiles of realms without a catalyst: empty lists instead of errors, so that players can meet in an empty
 * world without a content server (comms.md §12.2).
 *
 * @param realmNamed finds a realm. @throws Refusal when there is none
 */
export function emptyWorldRoutes(realmNamed: (name: string) => PublishedRealm, clock: Clock): Route[] {
  const isEmpty = (name: string) => realmNamed(name).content.catalysts.length === 0
  return [
    route('POST', '/:realm/content/entities/active', async ({ params, body }) => {
      if (!isEmpty(params.realm)) return notFound
      await body() // the pointers are not used, but a body that is not read would block the connection
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
        : notFound,
    ),
    route('POST', '/:realm/lambdas/profiles', async ({ params, body }) => {
      if (!isEmpty(params.realm)) return notFound
      await body()
      return ok([])
    }),
    route('GET', '/:realm/lambdas/profiles/:id', ({ params }) => {
      realmNamed(params.realm)
      return json(404, { error: 'Profile not found' })
    }),
  ]
}
