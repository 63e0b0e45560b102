import { keyText } from '../../crds/object.ts'
import { type CatalystProblems, LIST_UNREADABLE_HEADER, UNUSED_CATALYSTS_HEADER } from '../../crds/publication.ts'
import type { Endpoint } from '../../crds/realm.ts'
import { claimedClientAddress } from '../chassis/client-address.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import type { HttpRequest } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import { prepared } from '../chassis/representation.ts'
import { REALM_HOST_HEADER } from '../wire/realm-host-header.ts'
import type { CatalystPoller } from './adapters/catalyst-poller.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import { AnswerCache } from './answer-cache.ts'
import type { ClientLocations } from './client-location.ts'
import { aboutOf, type World } from './core/about.ts'
import type { Arrivals } from './core/arrivals.ts'
import type { Catalyst } from './core/catalyst.ts'
import { featureServices, healthUrlsOf } from './core/feature-services.ts'
import { type ChosenCatalyst, chooseCatalyst, chooseEndpoint, isFull } from './core/placement.ts'
import type { PublishedRealm } from './core/published-realm.ts'
import { chooseMember } from './core/shared-names.ts'
import type { PlayerCount } from './core/stats-answers.ts'
import type { ProviderMetrics } from './metrics.ts'

/** The facts about a realm are read from memory; no request waits for another service. */
export interface AboutDependencies {
  catalysts: Pick<CatalystPoller, 'known' | 'load' | 'addSent'>
  /** What keeps this provider from using all catalysts of a realm. */
  catalystProblems: (realm: PublishedRealm) => CatalystProblems
  stats: Pick<RealmStats, 'playerCount'>
  /** Whether the service at a URL works. */
  isServiceHealthy: (healthUrl: string) => boolean
  /** Where clients are. */
  locations: ClientLocations
  /** Players on their way to a cell. */
  arrivals: Arrivals
  /** Base URL of this realm provider without a slash at the end; undefined = the address the client used. */
  baseUrl: string | undefined
  build: Build
  metrics: ProviderMetrics
}

/** What an answer may depend on. */
export type AboutRequest = Pick<HttpRequest, 'method' | 'headers' | 'query' | 'origin' | 'remoteAddress'>

/** Explorers request it on every change of realm; `realmctl` and the operator poll it while a realm starts. */
const MAX_AGE_SECONDS = 1

/** What an answer was made from, compared by identity. */
interface Sources {
  realm: PublishedRealm
  /** Whether clusters share its name. */
  isShared: boolean
  endpoint: Endpoint
  catalyst: Catalyst | undefined
  /** Whether the catalyst was chosen for one player alone. */
  isPersonal: boolean
  usersCount: number
  /** Whether no cell has room. */
  full: boolean
  /** Catalysts of the realm that this provider does not use, and whether it cannot read its list of them. */
  unusedCatalysts: number
  isListUnreadable: boolean
  /** Which of the feature services work, as text. */
  health: string
}

interface CachedAnswer extends Sources {
  response: HttpResponse
}

/**
 * Answers `/about`. Each distinct answer is built once and cached as bytes. A cached answer is used only while its sources are
 * the very same objects as now, so that it needs no expiry and is never older than its sources.
 */
export class AboutHandler {
  readonly #dependencies: AboutDependencies
  readonly #cache: AnswerCache<CachedAnswer>

  constructor(dependencies: AboutDependencies) {
    this.#dependencies = dependencies
    this.#cache = new AnswerCache({ onOverflow: () => dependencies.metrics.overflows.inc() })
  }

  /** The realm for a player among those that clusters share a name for, and whether it was chosen for this one alone. */
  memberFor(
    members: readonly PublishedRealm[],
    { headers, query, remoteAddress }: AboutRequest,
  ): ReturnType<typeof chooseMember> {
    if (members.length < 2) return { realm: members[0], isPersonal: false }
    const { stats, locations } = this.#dependencies
    return chooseMember(members, {
      publisher: query.get('publisher'),
      location: locations.of(headers),
      visitor: claimedClientAddress({ headers, remoteAddress }),
      hasRoom: (realm) => !isFull(realm.endpoints, realm.assignment, stats.playerCount(realm)?.bySlot),
    })
  }

  /**
   * @param choice how the realm was chosen, where clusters share its name
   * @throws Refusal INVALID for a Host header that is not a host, where the answer would contain it
   */
  answer(realm: PublishedRealm, request: AboutRequest, choice = { isPersonal: false, isShared: false }): HttpResponse {
    const { catalysts, stats, baseUrl } = this.#dependencies
    const hasCatalysts = realm.content.catalysts.length > 0
    const { catalyst, isPersonal: isOwnCatalyst } = this.catalystOf(realm, request)
    // With HEAD explorers ask whether the realm is there, again and again.
    if (catalyst && request.method === 'GET') catalysts.addSent(catalyst.url)
    const base = hasCatalysts ? '' : emptyWorldUrl(realm, request, baseUrl)
    const count = stats.playerCount(realm)
    const endpoint = this.#endpointFor(realm, count, request)
    const full = isFull(realm.endpoints, realm.assignment, count?.bySlot)
    const { unusedCatalysts = 0, isListUnreadable = false } = this.#dependencies.catalystProblems(realm)
    const { isShared } = choice
    const isPersonal = isOwnCatalyst || choice.isPersonal
    const sources = {
      realm,
      isShared,
      endpoint,
      catalyst,
      isPersonal,
      usersCount: count?.total ?? 0,
      full,
      unusedCatalysts,
      isListUnreadable,
      health: this.#healthOf(realm),
    }
    const key = `${realm.realmName} ${keyText(realm.key)} ${endpoint.slot} ${isPersonal} ${base} ${catalyst?.url ?? ''}`
    const cached = this.#cache.get(realm.tenant, key)
    return cached && isFrom(cached, sources) ? cached.response : this.#build(key, sources, base)
  }

  /** The catalyst for a player; undefined while none of the realm has ever answered, or it has none. */
  catalystOf({ content, catalystLocations }: PublishedRealm, request: Omit<AboutRequest, 'method' | 'origin'>): ChosenCatalyst {
    if (content.catalysts.length === 0) return { catalyst: undefined, isPersonal: false }
    const { catalysts, locations } = this.#dependencies
    const preference = {
      override: request.query.get('catalyst'),
      location: locations.of(request.headers),
      visitor: claimedClientAddress(request),
    }
    return chooseCatalyst(catalysts.known(content.catalysts), preference, {
      locationOf: ({ url }) => catalystLocations.get(url),
      loadOf: ({ url }) => catalysts.load(url),
    })
  }

  #endpointFor(realm: PublishedRealm, count: PlayerCount | undefined, request: AboutRequest): Endpoint {
    const { arrivals } = this.#dependencies
    const { endpoints, assignment, realmName } = realm
    const [only] = endpoints
    if (only && endpoints.length === 1) return only
    const name = keyText(realm.key)
    const players = arrivals.expected(name, count)
    const endpoint = chooseEndpoint(endpoints, assignment, { players, visitor: claimedClientAddress(request) })
    if (!endpoint) throw new Error(`the realm '${realmName}' was published without an endpoint`)
    if (request.method === 'GET') arrivals.add(name, count, endpoint.slot)
    return endpoint
  }

  #build(key: string, sources: Sources, base: string): HttpResponse {
    const { build, metrics } = this.#dependencies
    const { realm, endpoint, usersCount, full } = sources
    // The commit is known only for services of the same version as this one.
    const commitHash = realm.version === build.version ? build.commitHash : undefined
    const services = featureServices(realm.content, this.#dependencies.isServiceHealthy)
    const about = aboutOf({ realm, endpoint, usersCount, full, world: worldOf(sources, base), services, commitHash })
    const body = Buffer.from(JSON.stringify(about))
    const response = prepared(body, { ...this.#cachingOf(sources, base), ...problemHeaders(sources) })
    this.#cache.set(realm.tenant, key, { ...sources, response }, body.length)
    metrics.built.inc()
    return response
  }

  #healthOf({ content }: PublishedRealm): string {
    if (!content.services?.length) return ''
    return healthUrlsOf(content)
      .map(([, url]) => Number(this.#dependencies.isServiceHealthy(url)))
      .join('')
  }

  /** What a shared cache must know: it would otherwise give everyone the catalyst of one country, or the cell of one player. */
  #cachingOf({ realm, isPersonal, isShared }: Sources, base: string): Record<string, string> {
    const { endpoints, assignment, content } = realm
    const isPrivate = isPersonal || (assignment.assignment === 'Sticky' && endpoints.length > 1)
    const { headers } = this.#dependencies.locations
    const vary = [
      ...(content.catalysts.length > 1 || isShared ? headers : []),
      ...(base === '' ? [] : ['X-Forwarded-Proto', REALM_HOST_HEADER]),
    ]
    return {
      'cache-control': `${isPrivate ? 'private' : 'public'}, max-age=${MAX_AGE_SECONDS}`,
      ...(vary.length > 0 && { vary: vary.join(', ') }),
    }
  }
}

const problemHeaders = ({ unusedCatalysts, isListUnreadable }: Sources): Record<string, string> => ({
  ...(unusedCatalysts > 0 && { [UNUSED_CATALYSTS_HEADER]: String(unusedCatalysts) }),
  ...(isListUnreadable && { [LIST_UNREADABLE_HEADER]: 'true' }),
})

const isFrom = (cached: CachedAnswer, sources: Sources): boolean =>
  (Object.keys(sources) as (keyof Sources)[]).every((source) => cached[source] === sources[source])

/** Where the realm provider serves an empty world: at the realm's own host for a client that came there, else below its own address. */
function emptyWorldUrl({ ownAddress, realmName }: PublishedRealm, request: AboutRequest, baseUrl: string | undefined): string {
  if (ownAddress && REALM_HOST_HEADER in request.headers && request.headers.host === ownAddress.host)
    return originOf(request) + ownAddress.path
  return `${baseUrl ?? originOf(request)}/${encodeURIComponent(realmName)}`
}

function worldOf({ realm, catalyst }: Sources, base: string): World {
  if (catalyst) return { kind: 'catalyst', about: catalyst.about, healthy: catalyst.healthy }
  const [first] = realm.content.catalysts
  if (first) return { kind: 'unreachable', url: first }
  return { kind: 'empty', baseUrl: base }
}

/** The address the client used. @throws Refusal INVALID for a Host header that is not a host */
export function originOf({ origin }: Pick<HttpRequest, 'origin'>): string {
  if (!/^https?:\/\/(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(origin)) {
    throw new Refusal('INVALID', 'the Host header is not a host')
  }
  return origin
}
