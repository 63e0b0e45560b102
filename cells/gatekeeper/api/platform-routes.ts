import { z } from 'zod'
import { moderationActions } from '../core/moderation-actions.ts'
import { declare, pagedAnswer, pagingQuery, storableText } from './declaration.ts'

const isoTime = z.iso.datetime()
const maxReason = 2_000
/** A hundred years: what is longer is meant to be for ever. */
const MAX_DURATION_MS = 100 * 365.25 * 24 * 3_600_000

const userBan = z.object({
  ...{
    id: z.string(),
    bannedAddress: z.string(),
    bannedBy: z.string(),
    reason: z.string(),
    customMessage: z.string().nullable(),
  },
  ...{ bannedDeviceId: z.string().nullable(), bannedAt: isoTime, expiresAt: isoTime.nullable() },
  ...{ liftedAt: isoTime.nullable(), liftedBy: z.string().nullable(), createdAt: isoTime },
})
const userWarning = z.object({
  ...{
    id: z.string(),
    warnedAddress: z.string(),
    warnedBy: z.string(),
    reason: z.string(),
    warnedAt: isoTime,
    createdAt: isoTime,
  },
})
const explainedError = z.object({ error: z.string(), message: z.string() })
const test = 'cells/gatekeeper/platform/platform.test.ts'
const callers = 'moderators’ tools, `realmctl`'

/** Bans and warnings by moderators of the platform. */
export const platformRoutes = {
  ban: declare({
    ...{ method: 'POST', path: '/users/:address/bans', authentication: 'moderator', callers, test },
    decides: 'ban',
    summary: 'Bans a player, and the device the player last used, from the platform.',
    differs:
      'An address that is none is 400. In force everywhere within a second, and in memory, so that it holds while the database is away.',
    body: z.strictObject({
      reason: storableText(maxReason),
      duration: z.number().positive().max(MAX_DURATION_MS).optional().describe('Milliseconds; absent = until it is lifted.'),
      customMessage: storableText(maxReason).optional().describe('What the player is shown.'),
    }),
    answers: {
      201: { description: 'The new ban.', body: z.object({ data: userBan }) },
      400: { description: 'The address is no wallet address.' },
      409: { description: 'The player is banned already.', body: explainedError },
    },
  }),
  lift: declare({
    ...{ method: 'DELETE', path: '/users/:address/bans', authentication: 'moderator', callers, test },
    decides: 'unban',
    summary: 'Lifts the ban of a player.',
    answers: {
      204: { description: 'Lifted.' },
      400: { description: 'The address is no wallet address.' },
      404: { description: 'No ban is in force.', body: explainedError },
    },
  }),
  bans: declare({
    ...{ method: 'GET', path: '/bans', authentication: 'moderator', test },
    callers: 'moderators’ tools, `realmctl`, Pulse (reads `data[].bannedAddress`)',
    summary: 'All bans in force, the latest first; with `limit` or `offset` a page of them.',
    differs: 'Upstream has no pages. Without them the answer is the same.',
    query: z.object({
      limit: pagingQuery.shape.limit.optional(),
      offset: pagingQuery.shape.offset.optional(),
    }),
    answers: {
      200: {
        description: 'The bans; the numbers of the page only where one was asked for.',
        body: z.object({ data: z.array(userBan), ...z.object(pagedAnswer).partial().shape }),
      },
    },
  }),
  warn: declare({
    ...{ method: 'POST', path: '/users/:address/warnings', authentication: 'moderator', callers, test },
    decides: 'warn',
    summary: 'Warns a player.',
    body: z.strictObject({ reason: storableText(maxReason) }),
    answers: {
      201: { description: 'The new warning.', body: z.object({ data: userWarning }) },
      400: { description: 'The address is no wallet address.' },
    },
  }),
  warnings: declare({
    ...{ method: 'GET', path: '/users/:address/warnings', authentication: 'moderator', callers, test },
    summary: 'The warnings of a player, the latest first.',
    answers: {
      200: { description: 'The warnings.', body: z.object({ data: z.array(userWarning) }) },
      400: { description: 'The address is no wallet address.' },
    },
  }),
  decisions: declare({
    ...{ method: 'GET', path: '/moderation/decisions', authentication: 'moderator', callers: '`realmctl`', test },
    summary: 'Who decided what about whom, where, why, and with which result; the latest first.',
    differs: 'Upstream keeps no such record.',
    query: pagingQuery.extend({
      actor: z.string().max(100).optional().describe('Only decisions of this moderator or wallet.'),
      target: z.string().max(100).optional().describe('Only decisions about this wallet.'),
      place: z.string().max(100).optional().describe('Only decisions for the scene with this place id.'),
    }),
    answers: {
      200: {
        description: 'A page of the record.',
        body: z.object({
          data: z.array(
            z.object({
              ...{ id: z.string(), decidedAt: isoTime, actor: z.string(), action: z.enum(moderationActions).or(z.string()) },
              ...{ target: z.string(), placeId: z.string().nullable(), reason: z.string().nullable(), result: z.string() },
            }),
          ),
          ...pagedAnswer,
        }),
      },
    },
  }),
}
