import type { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { type HttpRequest, json, ok, text } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import type { LivekitRooms } from '../rtc/livekit-rooms.ts'
import { type PeerId, parsePeerId } from '../wire/peer.ts'
import type { ApiHandlers } from './api/declaration.ts'
import { declaredRoutes } from './api/declared-routes.ts'
import { openApiOf } from './api/openapi.ts'
import type { publicRoutes } from './api/public-routes.ts'
import type { BanList } from './ban-list.ts'
import { isoTimeOrNull } from './iso-time.ts'
import type { KickList } from './kick-list.ts'
import type { WebhookWatch } from './livekit/webhook-watch.ts'
import { QueryLimit } from './query-limit.ts'

/** What the public routes read. */
export interface PublicHandlersOptions {
  bans: Pick<BanList, 'known' | 'against' | 'version'>
  kicks: Pick<KickList, 'version' | 'secondsSince'>
  proxies: TrustedProxies
  /** Called for every query that exceeds the limit of its address. */
  limited: () => void
  clock: Clock
  build: Build
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { rooms: Pick<LivekitRooms, 'isReachable'>; webhooks: Pick<WebhookWatch, 'state'> } | undefined
}

/** Handlers of the routes that everyone may call. */
export function publicHandlers(options: PublicHandlersOptions): ApiHandlers<typeof publicRoutes> {
  const { bans, kicks, build, clock } = options
  const limit = new QueryLimit(options.proxies)
  const document = json(200, openApiOf(declaredRoutes, build.version))
  return {
    ping: () => text('/ping'),
    // Unity sends a HEAD request for this first and does not start without an answer (gatekeeper.md §1.4).
    // Nothing but the process itself may change the status code: LiveKit is shown in the body.
    status: () =>
      ok({
        version: build.version,
        currentTime: clock.now(),
        commitHash: build.commitHash,
        ...(options.control && {
          livekit: options.control.rooms.isReachable ? 'reachable' : 'unreachable',
          webhooks: options.control.webhooks.state,
        }),
      }),
    // Says nothing about moderators, reasons and devices, because every client may ask (gatekeeper.md §4.13).
    userBans({ params, http }) {
      const refusal = exceeded(options, limit, http)
      if (refusal) return refusal
      const address = parsePeerId(params.address)
      if (!address) return ok({ data: { isBanned: false } }) // only wallets are ever banned
      demandBans(bans)
      const ban = bans.against({ address })
      return ok({ data: ban ? { isBanned: true, ban: { expiresAt: isoTimeOrNull(ban.expiresAt) } } : { isBanned: false } })
    },
    // Connectors check all their players again and again; one query for each would be most of the requests of a gatekeeper.
    bannedUsers({ body, http }) {
      const refusal = exceeded(options, limit, http, body.addresses.length)
      if (refusal) return refusal
      demandBans(bans)
      const addresses: PeerId[] = body.addresses.flatMap((address) => parsePeerId(address) ?? [])
      const banned = addresses.filter((address) => bans.against({ address }) !== undefined)
      const kicked = addresses.flatMap((address) => {
        const secondsAgo = kicks.secondsSince(address)
        return secondsAgo === undefined ? [] : [{ address, secondsAgo }]
      })
      return ok({ data: { banned, kicked, version: versionOf(options) } })
    },
    bansVersion({ http }) {
      const refusal = exceeded(options, limit, http)
      if (refusal) return refusal
      demandBans(bans)
      return ok({ data: { version: versionOf(options) } })
    },
    openApi: () => document,
  }
}

/** The answer to a query beyond the limit of its client; undefined within it. */
function exceeded(
  { limited, clock }: PublicHandlersOptions,
  limit: QueryLimit,
  { headers, remoteAddress }: Pick<HttpRequest, 'headers' | 'remoteAddress'>,
  wallets = 1,
): HttpResponse | undefined {
  const waitMs = limit.waitMs({ headers, remoteAddress }, clock.monotonic(), wallets)
  if (waitMs === 0) return undefined
  limited()
  return json(429, { error: 'Too many queries from this address' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) })
}

const versionOf = ({ bans, kicks }: PublicHandlersOptions): string => `${bans.version ?? ''}${kicks.version}`

function demandBans(bans: Pick<BanList, 'known'>): void {
  if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
}
