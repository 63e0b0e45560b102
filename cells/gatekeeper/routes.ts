import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { messageOf, Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { type Handler, ok, type Route, route, text } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { parsePeerId } from '../wire/peer.ts'
import type { PlatformBan, Storage } from './adapters/storage.ts'

/** The handler of scene tokens, and what the other routes read. */
export interface GatekeeperRouteDependencies {
  /** `SceneAdapter.handle`, for `POST /get-scene-adapter`. */
  sceneAdapter: Handler
  storage: Storage
  clock: Clock
  log: Log
  build: Build
}

const BAN_TIMEOUT_MS = 4_000
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
 */
const userBans =
  ({ storage, clock, log }: GatekeeperRouteDependencies): Handler<'address'> =>
  async ({ params }) => {
    const address = parsePeerId(params.address)
    if (!address) return ok({ data: { isBanned: false } }) // only wallets are ever banned
    const nowMs = clock.now()
    const ban = await withDeadline(storage.activeBan({ address }, nowMs), {
      clock,
      ms: BAN_TIMEOUT_MS,
      what: 'looking for a ban',
    }).catch((error: unknown) => {
      log.warn({ peer: address, error: messageOf(error) }, 'a ban could not be looked up')
      throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now', { cause: error })
    })
    return ok({ data: ban ? { isBanned: true, ban: banView(ban) } : { isBanned: false } })
  }

const banView = (ban: PlatformBan) => ({
  ...ban,
  bannedAt: isoDate(ban.bannedAt),
  expiresAt: isoDate(ban.expiresAt),
  liftedAt: isoDate(ban.liftedAt),
  createdAt: isoDate(ban.createdAt),
})

const isoDate = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString())

const statusOf = ({ version, commitHash }: Build, nowMs: number) => ({ version, currentTime: nowMs, commitHash })
