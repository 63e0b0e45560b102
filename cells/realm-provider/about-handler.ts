import { createHash } from 'node:crypto'
import type { Endpoint } from '../../crds/realm.ts'
import { claimedClientAddress } from '../chassis/client-address.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import type { Answer, Ask } from '../chassis/http.ts'
import type { Catalysts } from './adapters/catalyst-poller.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import { aboutOf, type World } from './core/about.ts'
import { type Catalyst, chooseCatalyst } from './core/catalyst.ts'
import { nearestByCountry } from './core/countries.ts'
import { chooseEndpoint } from './core/placement.ts'
import type { PublishedRealm } from './core/published-realm.ts'
import type { ProviderMetrics } from './metrics.ts'

/** What descriptions are made from. */
export interface AboutDependencies {
  catalysts: Pick<Catalysts, 'known'>
  stats: Pick<RealmStats, 'playerCount'>
  /** Our own base URL without a slash at the end; nothing = whatever address the client used. */
  baseUrl: string | undefined
  build: Build
  metrics: ProviderMetrics
}

/** Explorers ask on every change of realm, and `realmctl` and the operator watch a realm come up. */
const CACHE_CONTROL = 'public, max-age=1'
/** Prepared descriptions kept; clients choose the Host header and so could ask for any number. */
const MAX_PREPARED = 4096

interface Prepared {
  realm: PublishedRealm
  endpoint: Endpoint
  catalyst: Catalyst | undefined
  usersCount: number
  etag: string
  full: Answer
  unchanged: Answer
}

/**
 * Answers `/about`, each distinct one written once and kept as bytes. What was kept is compared with what is known now, by
 * identity, so that nothing has to be thrown away in time and no answer is ever older than its sources.
 */
export function createAboutHandler({ catalysts, stats, baseUrl, build, metrics }: AboutDependencies) {
  const prepared = new Map<string, Prepared>()

  return (realm: PublishedRealm, ask: Pick<Ask, 'headers' | 'query' | 'origin' | 'remoteAddress'>): Answer => {
    const declared = realm.content.catalysts
    const catalyst = declared.length > 0 ? catalystFor(catalysts.known(declared), ask) : undefined
    const base = declared.length > 0 ? '' : (baseUrl ?? originOf(ask))
    const count = stats.playerCount(realm)
    const endpoint = endpointFor(realm, count?.bySlot, ask)
    const usersCount = count?.total ?? 0
    const key = `${realm.realmName} ${endpoint.slot} ${base} ${catalyst?.url ?? ''}`
    const known = prepared.get(key)
    if (known?.realm === realm && known.catalyst === catalyst && known.endpoint === endpoint && known.usersCount === usersCount) {
      return respond(known, ask.headers['if-none-match'])
    }
    const world: World = catalyst
      ? { kind: 'catalyst', about: catalyst.about, healthy: catalyst.healthy }
      : declared[0]
        ? { kind: 'unreachable', url: declared[0] }
        : { kind: 'empty', baseUrl: `${base}/${encodeURIComponent(realm.realmName)}` }
    // The commit is known of cells of our own version only.
    const commitHash = realm.version === build.version ? build.commitHash : undefined
    const body = Buffer.from(JSON.stringify(aboutOf({ realm, endpoint, usersCount, world, commitHash })))
    const fresh = { realm, endpoint, catalyst, usersCount, ...answersOf(body) }
    if (prepared.size >= MAX_PREPARED && !known) {
      prepared.clear()
      metrics.overflows.inc()
    }
    prepared.set(key, fresh)
    metrics.built.inc()
    return respond(fresh, ask.headers['if-none-match'])
  }
}

const catalystFor = (known: readonly Catalyst[], { headers, query }: Pick<Ask, 'headers' | 'query'>): Catalyst | undefined =>
  chooseCatalyst(known, { override: query.get('catalyst'), country: countryOf(headers) }, nearestByCountry, Math.random)

const countryOf = (headers: Ask['headers']): string | undefined => {
  const country = headers['cf-ipcountry']
  return typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? country : undefined
}

function endpointFor(
  { endpoints, assignment, realmName }: PublishedRealm,
  players: ReadonlyMap<number, number> | undefined,
  ask: Pick<Ask, 'headers' | 'remoteAddress'>,
): Endpoint {
  const endpoint = chooseEndpoint(endpoints, assignment, { players, visitor: claimedClientAddress(ask) })
  if (!endpoint) throw new Error(`the realm '${realmName}' was published without an endpoint`)
  return endpoint
}

function answersOf(body: Buffer): Pick<Prepared, 'etag' | 'full' | 'unchanged'> {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const headers = { etag, 'cache-control': CACHE_CONTROL }
  return {
    etag,
    full: { status: 200, headers: { 'content-type': 'application/json', ...headers }, body },
    unchanged: { status: 304, headers },
  }
}

const respond = ({ etag, full, unchanged }: Prepared, ifNoneMatch: string | undefined): Answer =>
  ifNoneMatch !== undefined && matches(ifNoneMatch, etag) ? unchanged : full

const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)

/** The address a client used, as far as it can be one. @throws Refusal INVALID for a Host header that is no host */
export function originOf({ origin }: Pick<Ask, 'origin'>): string {
  if (!/^https?:\/\/(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(origin)) {
    throw new Refusal('INVALID', 'the Host header is not a host')
  }
  return origin
}
