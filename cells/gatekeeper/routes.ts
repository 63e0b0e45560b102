import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { type Handler, type HttpRequest, type HttpResponse, json, ok, type Route, route, text } from '../chassis/http.ts'
import { type PeerId, parsePeerId } from '../wire/peer.ts'
import type { BanList } from './ban-list.ts'
import { QueryLimit } from './query-limit.ts'

/** The handler of scene tokens, and what the other routes read. */
export interface GatekeeperRouteDependencies {
  /** `SceneAdapter.handle`, for `POST /get-scene-adapter`. */
  sceneAdapter: Handler
  bans: Pick<BanList, 'known' | 'against'>
  proxies: TrustedProxies
  /** Called for every query that exceeds the limit of its address. */
  limited: () => void
  clock: Clock
  build: Build
}

/** The path of the gatekeeper on a host that it shares; routes are served there and at the root. */
const PREFIX = '/gatekeeper'

/** The gatekeeper's API, each route at the root and below `/gatekeeper`. */
export function gatekeeperRoutes(dependencies: GatekeeperRouteDependencies): Route[] {
  const limit = new QueryLimit(dependencies.proxies)
  const routes = [
    route('POST', '/get-scene-adapter', dependencies.sceneAdapter),
    route('GET', '/users/:address/bans', userBans(dependencies, limit)),
    route('POST', '/users/bans', bannedUsers(dependencies, limit)),
    route('GET', '/ping', () => text('/ping')),
    // Unity sends a HEAD request for this first and does not start without an answer (§1.4).
    route('GET', '/status', () => ok(statusOf(dependencies.build, dependencies.clock.now()))),
  ]
  return routes.flatMap((each) => [each, { ...each, path: PREFIX + each.path }])
}

/**
 * `GET /users/:address/bans`: whether a player is banned from the platform, for explorers, connectors and world servers (§4.13).
 * The route is public, so it says nothing about moderators, reasons and devices.
 */
function userBans(dependencies: GatekeeperRouteDependencies, limit: QueryLimit): Handler<'address'> {
  const { bans } = dependencies
  return (request) => {
    const refusal = exceeded(dependencies, limit, request)
    if (refusal) return refusal
    const address = parsePeerId(request.params.address)
    if (!address) return ok({ data: { isBanned: false } }) // only wallets are ever banned
    demandBans(bans)
    const ban = bans.against({ address })
    return ok({ data: ban ? { isBanned: true, ban: { expiresAt: isoDate(ban.expiresAt) } } : { isBanned: false } })
  }
}

/** Many players of one connector. */
const MAX_ADDRESSES = 1_000

/**
 * `POST /users/bans` with `{"addresses": ["0x…"]}`, at most 1000: which of the players are banned. Connectors check all their
 * players again and again; one query for each of them would be most of the requests of a gatekeeper.
 */
function bannedUsers(dependencies: GatekeeperRouteDependencies, limit: QueryLimit): Handler {
  const { bans } = dependencies
  return async (request) => {
    const refusal = exceeded(dependencies, limit, request)
    if (refusal) return refusal
    const addresses = addressesOf(await request.body())
    demandBans(bans)
    const banned = addresses.filter((address) => bans.against({ address }) !== undefined)
    return ok({ data: { banned } })
  }
}

function addressesOf(body: Buffer): PeerId[] {
  const { addresses } = parsedObject(body)
  if (!Array.isArray(addresses) || addresses.length > MAX_ADDRESSES)
    throw new Refusal('INVALID', `addresses is a list of at most ${MAX_ADDRESSES} wallet addresses`)
  return addresses.flatMap((address) => (typeof address === 'string' ? (parsePeerId(address) ?? []) : []))
}

function parsedObject(body: Buffer): { addresses?: unknown } {
  try {
    return Object(JSON.parse(body.toString()))
  } catch (error) {
    throw new Refusal('INVALID', 'the body is no JSON', { cause: error })
  }
}

/** The answer to a query beyond the limit of its client; undefined within it. */
function exceeded(
  { limited, clock }: GatekeeperRouteDependencies,
  limit: QueryLimit,
  { headers, remoteAddress }: Pick<HttpRequest, 'headers' | 'remoteAddress'>,
): HttpResponse | undefined {
  const waitMs = limit.waitMs({ headers, remoteAddress }, clock.monotonic())
  if (waitMs === 0) return undefined
  limited()
  return json(429, { error: 'Too many queries from this address' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) })
}

function demandBans(bans: Pick<BanList, 'known'>): void {
  if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
}

const isoDate = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString())

const statusOf = ({ version, commitHash }: Build, nowMs: number) => ({ version, currentTime: nowMs, commitHash })
