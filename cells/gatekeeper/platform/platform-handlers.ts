import { Refusal } from '../../chassis/errors.ts'
import { json, ok } from '../../chassis/http.ts'
import { type ApiHandlers, noContent, pageNumbers, pageOf } from '../api/declaration.ts'
import { walletIn } from '../api/path-wallet.ts'
import type { platformRoutes } from '../api/platform-routes.ts'
import type { BanList } from '../ban-list.ts'
import type { PlatformBan } from '../core/active-bans.ts'
import type { Decisions, RecordedDecision } from '../decisions.ts'
import { isoTimeOf, isoTimeOrNull } from '../iso-time.ts'
import type { ModerationChanges } from '../moderation-changes.ts'
import type { PlatformRecords, PlatformWarning } from './platform-records.ts'

/** What decides about players of the whole platform. */
export interface PlatformHandlersOptions {
  platform: Pick<PlatformRecords, 'ban' | 'lift' | 'warn' | 'warnings'>
  decisions: Pick<Decisions, 'list'>
  bans: Pick<BanList, 'known' | 'inForce' | 'reread'>
  changes: Pick<ModerationChanges, 'emit'>
}

/** Handlers of the routes of moderators. */
export function platformHandlers({
  platform,
  decisions,
  bans,
  changes,
}: PlatformHandlersOptions): ApiHandlers<typeof platformRoutes> {
  return {
    async ban({ caller, params, body: { reason, duration, customMessage } }) {
      const address = walletIn(params.address)
      const ban = await platform.ban({ address, moderator: caller.name, reason, customMessage, durationMs: duration })
      if (!ban) return json(409, { error: 'Conflict', message: `The player ${address} is already banned` })
      await bans.reread(address)
      void changes.emit({ kind: 'platformBanned', address })
      return json(201, { data: banView(ban) })
    },
    async lift({ caller, params }) {
      const address = walletIn(params.address)
      if (!(await platform.lift(address, caller.name)))
        return json(404, { error: 'Not Found', message: `No active ban was found for the player ${address}` })
      await bans.reread(address)
      void changes.emit({ kind: 'platformUnbanned', address })
      return noContent
    },
    bans({ query: { limit, offset } }) {
      if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
      const inForce = bans.inForce()
      if (limit === undefined && offset === undefined) return ok({ data: inForce.map(banView) })
      const page = pageOf({ limit: limit ?? 100, offset: offset ?? 0 })
      return ok({
        data: inForce.slice(page.offset, page.offset + page.limit).map(banView),
        ...pageNumbers(page, inForce.length),
      })
    },
    async warn({ caller, params, body }) {
      return json(201, { data: warningView(await platform.warn(walletIn(params.address), caller.name, body.reason)) })
    },
    async warnings({ params }) {
      return ok({ data: (await platform.warnings(walletIn(params.address))).map(warningView) })
    },
    async decisions({ query }) {
      const page = pageOf(query)
      const filter = { actor: query.actor?.toLowerCase(), target: query.target?.toLowerCase(), placeId: query.place }
      const { decisions: some, total } = await decisions.list(filter, page)
      return ok({ data: some.map(decisionView), ...pageNumbers(page, total) })
    },
  }
}

const banView = (ban: PlatformBan) => ({
  ...ban,
  bannedAt: isoTimeOf(ban.bannedAt),
  expiresAt: isoTimeOrNull(ban.expiresAt),
  liftedAt: isoTimeOrNull(ban.liftedAt),
  createdAt: isoTimeOf(ban.createdAt),
})

const warningView = (warning: PlatformWarning) => ({
  ...warning,
  warnedAt: isoTimeOf(warning.warnedAt),
  createdAt: isoTimeOf(warning.createdAt),
})

const decisionView = (decision: RecordedDecision) => ({ ...decision, decidedAt: isoTimeOf(decision.decidedAt) })
