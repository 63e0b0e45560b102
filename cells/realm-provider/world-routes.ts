import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import { type Handler, type HttpRequest, json, ok, type Route, route } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import type { PublishedRealm } from './core/published-realm.ts'

const notFound = json(404, { error: 'Not Found' })

export interface WorldRouteDependencies {
  /** @throws Refusal when there is no such realm */
  realmNamed: (name: string) => PublishedRealm
  /** Base URL of the catalyst for a request, without a slash at the end; undefined while none has ever answered. */
  catalystUrl: (realm: PublishedRealm, request: HttpRequest<'realm'>) => string | undefined
  clock: Clock
}

/**
 * The content and the profiles of a realm. Without a catalyst these are empty lists instead of errors, so that players can meet in an
 * empty world without a content server (comms.md §12.2). With catalysts, which `/about` names, requests are sent on to one: monitors
 * look for both below the address of a realm.
 */
export function worldRoutes({ realmNamed, catalystUrl, clock }: WorldRouteDependencies): Route[] {
  /** What an empty world answers; elsewhere, a redirection. */
  const ofEmptyWorld =
    (answer: Handler<'realm'>): Handler<'realm'> =>
    async (request) => {
      const realm = realmNamed(request.params.realm)
      // A body that is not read would block the connection.
      if (request.method === 'POST') await request.body()
      return realm.content.catalysts.length === 0 ? answer(request) : sentOn(realm, request)
    }
  const sentOn = (realm: PublishedRealm, request: HttpRequest<'realm'>): HttpResponse => {
    const catalyst = catalystUrl(realm, request)
    if (catalyst === undefined) throw new Refusal('UNAVAILABLE', `no catalyst of the realm '${realm.realmName}' answers`)
    const query = String(request.query)
    const [, path] = /^\/+[^/]+(\/.*)$/.exec(request.path) ?? []
    return { status: 307, headers: { location: `${catalyst}${path}${query && `?${query}`}`, 'cache-control': 'no-store' } }
  }
  const paths = {
    'content/entities/active': { method: 'POST', answer: () => ok([]) },
    'content/status': {
      method: 'GET',
      answer: () =>
        ok({
          version: '',
          commitHash: '',
          currentTime: clock.now(),
          synchronizationStatus: { synchronizationState: 'Syncing', lastSyncWithDAO: 0 },
        }),
    },
    'lambdas/profiles': { method: 'POST', answer: () => ok([]) },
    'lambdas/profiles/:id': { method: 'GET', answer: () => json(404, { error: 'Profile not found' }) },
    'content/*': { method: 'GET', answer: () => notFound },
    'lambdas/*': { method: 'GET', answer: () => notFound },
  } as const
  return Object.entries(paths).map(([path, { method, answer }]) => route(method, `/:realm/${path}`, ofEmptyWorld(answer)))
}
