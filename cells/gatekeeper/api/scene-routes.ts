import { z } from 'zod'
import { declare, pagedAnswer, pagingQuery, storableText, walletAddress } from './declaration.ts'
import { adminAdded, adminRemoved, noPlace } from './scene-answers.ts'

const test = 'cells/gatekeeper/scenes/scenes.test.ts'
const callers = 'the administration item of the SDK, the manage page of decentraland.org'
const NAME = 256
const isSceneChange = true
const differs =
  'The place follows the deployed scene, which the content server confirms, and never a parcel beside it. A source of rights that does not answer is 503 and no right.'

const admin = z.object({
  ...{ admin: z.string(), name: z.string(), canBeRemoved: z.boolean() },
  ...{ id: z.string().optional(), place_id: z.string().optional(), added_by: z.string().optional() },
  ...{ created_at: z.string().optional(), active: z.boolean().optional() },
})

/** Who is meant: by address, which wins, or by NAME. */
const adminBody = z
  .strictObject({ admin: walletAddress.optional(), name: storableText(NAME).optional() })
  .refine((body) => body.admin !== undefined || body.name !== undefined, 'admin or name is needed')
const banBody = z
  .strictObject({ banned_address: walletAddress.optional(), banned_name: storableText(NAME).optional() })
  .refine(
    (body) => body.banned_address !== undefined || body.banned_name !== undefined,
    'banned_address or banned_name is needed',
  )

/** Administrators and bans of one scene, for those who administer it. */
export const sceneRoutes = {
  admins: declare({
    ...{ method: 'GET', path: '/scene-admin', authentication: 'signedBySceneOrServer', test },
    callers: `${callers}, authoritative servers`,
    summary: 'Who administers the scene: those who were added, then owners and operators, then leaseholders.',
    differs: `${differs} Without a profile server, names are empty.`,
    query: z.object({ admin: z.string().max(NAME).optional().describe('Only this wallet, among those who were added.') }),
    answers: { 200: { description: 'The administrators.', body: z.array(admin) }, 404: noPlace },
  }),
  addAdmin: declare({
    ...{ method: 'POST', path: '/scene-admin', authentication: 'signedByScene', isSceneChange, callers, test, differs },
    decides: 'scene-admin-add',
    summary: 'Makes a wallet an administrator of the scene.',
    body: adminBody,
    answers: {
      ...adminAdded,
      401: { description: 'The caller does not administer the scene.' },
      404: { description: `${noPlace.description} Or the name has no owner.` },
    },
  }),
  removeAdmin: declare({
    ...{ method: 'DELETE', path: '/scene-admin', authentication: 'signedByScene', isSceneChange, callers, test },
    decides: 'scene-admin-remove',
    summary: 'Takes the administration of the scene away from a wallet that was given it.',
    differs: `${differs} A malformed address is 400.`,
    body: z.strictObject({ admin: walletAddress }),
    answers: {
      ...adminRemoved,
      401: { description: 'The caller does not administer the scene.' },
      404: noPlace,
    },
  }),
  bans: declare({
    ...{ method: 'GET', path: '/scene-bans', authentication: 'signedByScene', isSceneChange, callers, test, differs },
    summary: 'Who is banned from the scene, the latest first, with names.',
    query: pagingQuery,
    answers: {
      200: {
        description: 'A page of the bans.',
        body: z.object({ results: z.array(z.object({ bannedAddress: z.string(), name: z.string() })), ...pagedAnswer }),
      },
      401: { description: 'The caller does not administer the scene.' },
      404: noPlace,
    },
  }),
  banAddresses: declare({
    ...{ method: 'GET', path: '/scene-bans/addresses', authentication: 'signedByScene', isSceneChange, callers, test, differs },
    summary: 'The wallets that are banned from the scene, the latest first.',
    query: pagingQuery,
    answers: {
      200: { description: 'A page of wallets.', body: z.object({ results: z.array(z.string()), ...pagedAnswer }) },
      401: { description: 'The caller does not administer the scene.' },
      404: noPlace,
    },
  }),
  ban: declare({
    ...{ method: 'POST', path: '/scene-bans', authentication: 'signedByScene', isSceneChange, callers, test, differs },
    decides: 'scene-ban',
    summary: 'Bans a wallet from the scene.',
    body: banBody,
    answers: {
      204: { description: 'Banned, or was already.' },
      400: { description: 'The wallet administers the scene.' },
      401: { description: 'The caller does not administer the scene.' },
      404: { description: `${noPlace.description} Or the name has no owner.` },
    },
  }),
  unban: declare({
    ...{ method: 'DELETE', path: '/scene-bans', authentication: 'signedByScene', isSceneChange, callers, test, differs },
    decides: 'scene-unban',
    summary: 'Lifts the ban of a wallet from the scene.',
    body: banBody,
    answers: {
      204: { description: 'Lifted, or there was none.' },
      401: { description: 'The caller does not administer the scene.' },
      404: { description: `${noPlace.description} Or the name has no owner.` },
    },
  }),
}
