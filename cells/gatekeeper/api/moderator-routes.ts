import { z } from 'zod'
import { declare, storableText, walletAddress } from './declaration.ts'
import { adminAdded, adminRemoved, noPlace } from './scene-answers.ts'

const test = 'cells/gatekeeper/platform/moderators.test.ts'
const callers = '`realmctl`'
const noWallet = { 400: { description: 'The address is no wallet address.' } }
const isoTime = z.iso.datetime()
const MAX_TEXT = 256
const differs = 'Upstream has no such route.'

/** Which scene is meant: of a world, or of the map; by a parcel of it, by its id, or by both. */
const scene = {
  world: storableText(MAX_TEXT).optional().describe('Name of the world; absent = a scene of the map.'),
  parcel: z
    .string()
    .regex(/^-?\d{1,4}, *-?\d{1,4}$/, 'must be x,y')
    .optional()
    .describe('A parcel of the scene, `x,y`.'),
  scene: storableText(MAX_TEXT).optional().describe('Id of the deployed scene.'),
}
const isNamed = ({
  parcel,
  scene: id,
  world,
}: {
  parcel?: string | undefined
  scene?: string | undefined
  world?: string | undefined
}) => parcel !== undefined || id !== undefined || world !== undefined
const NAMELESS = 'parcel, scene or world is needed'

const sceneAdmin = z.object({ admin: z.string(), addedBy: z.string().nullable(), addedAt: isoTime.nullable(), by: z.string() })
const change = z.strictObject({ ...scene, admin: walletAddress, reason: storableText(2_000) }).refine(isNamed, NAMELESS)

/** What moderators of the platform do besides banning and warning. */
export const moderatorRoutes = {
  kick: declare({
    ...{ method: 'POST', path: '/users/:address/kick', authentication: 'moderator', callers, test, differs },
    decides: 'kick',
    summary: 'Removes a player once from all rooms and connectors of the realm. The player may come back.',
    body: z.strictObject({ reason: storableText(2_000) }),
    answers: {
      200: {
        description: 'Removed: from these rooms of LiveKit now, and from the connectors within a second.',
        body: z.object({ data: z.object({ address: z.string(), rooms: z.array(z.string()) }) }),
      },
      ...noWallet,
    },
  }),
  presence: declare({
    ...{ method: 'GET', path: '/users/:address/presence', authentication: 'moderator', callers, test, differs },
    summary: 'In which rooms a player is, when the player was last seen here, and what was decided about the player.',
    answers: {
      200: {
        description: 'What is known. `rooms` is null where the rooms are not those of a LiveKit, or it does not answer.',
        body: z.object({
          data: z.object({
            address: z.string(),
            lastSeenAt: isoTime.nullable(),
            rooms: z.array(z.object({ room: z.string(), kind: z.string(), joinedAt: isoTime })).nullable(),
            ban: z
              .object({ bannedAt: isoTime, expiresAt: isoTime.nullable(), bannedBy: z.string(), reason: z.string() })
              .nullable(),
            warnings: z.int(),
            sceneBans: z.array(z.string()),
          }),
        }),
      },
      ...noWallet,
    },
  }),
  moderators: declare({
    ...{ method: 'GET', path: '/moderation/moderators', authentication: 'moderator', callers, test, differs },
    summary: 'Who may moderate the platform: the wallets of MODERATORS, and whether there is a token for tools.',
    answers: {
      200: {
        description: 'The moderators.',
        body: z.object({ data: z.object({ wallets: z.array(z.string()), token: z.boolean() }) }),
      },
    },
  }),
  sceneAdmins: declare({
    ...{ method: 'GET', path: '/moderation/scene-admins', authentication: 'moderator', callers, test, differs },
    summary: 'Who administers a scene, and by which right.',
    query: z.object(scene).refine(isNamed, NAMELESS),
    answers: {
      200: {
        description: 'The administrators: those who were added, then owners and operators, then leaseholders.',
        body: z.object({ data: z.object({ placeId: z.string(), admins: z.array(sceneAdmin) }) }),
      },
      404: noPlace,
    },
  }),
  addSceneAdmin: declare({
    ...{ method: 'POST', path: '/moderation/scene-admins', authentication: 'moderator', callers, test, differs },
    decides: 'scene-admin-add',
    summary: 'Makes a wallet an administrator of a scene.',
    body: change,
    answers: { ...adminAdded, 404: noPlace },
  }),
  removeSceneAdmin: declare({
    ...{ method: 'DELETE', path: '/moderation/scene-admins', authentication: 'moderator', callers, test, differs },
    decides: 'scene-admin-remove',
    summary: 'Takes the administration of a scene away from a wallet that was given it.',
    body: change,
    answers: { ...adminRemoved, 404: noPlace },
  }),
}
