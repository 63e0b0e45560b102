import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { type Handler, json, ok, type Route, route, text } from '../chassis/http.ts'
import { parsePeerId } from '../wire/peer.ts'
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
  const routes = [
    route('POST', '/get-scene-adapter', dependencies.sceneAdapter),
    route('GET', '/users/:address/bans', userBans(dependencies)),
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
function userBans({ bans, proxies, limited, clock }: GatekeeperRouteDependencies): Handler<'address'> {
  const limit = new QueryLimit(proxies)
  return ({ params, headers, remoteAddress }) => {
    const waitMs = limit.waitMs({ headers, remoteAddress }, clock.monotonic())
    if (waitMs > 0) {
      limited()
      return json(429, { error: 'Too many queries from this address' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) })
    }
    const address = parsePeerId(params.address)
    if (!address) return ok({ data: { isBanned: false } }) // only wallets are ever banned
    if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
    const ban = bans.against({ address })
    return ok({ data: ban ? { isBanned: true, ban: { expiresAt: isoDate(ban.expiresAt) } } : { isBanned: false } })
  }
}

const isoDate = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString())

const statusOf = ({ version, commitHash }: Build, nowMs: number) => ({ version, currentTime: nowMs, commitHash })
