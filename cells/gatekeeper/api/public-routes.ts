import { z } from 'zod'
import { declare } from './declaration.ts'

/** Many players of one connector. */
const MAX_ADDRESSES = 1_000

const isoTime = z.iso.datetime().nullable()

const kick = z.object({ address: z.string(), secondsAgo: z.number() })

/** What everyone may ask. */
export const publicRoutes = {
  ping: declare({
    method: 'GET',
    path: '/ping',
    authentication: 'none',
    summary: 'Answers with its own path.',
    callers: 'monitors',
    test: 'cells/gatekeeper/routes.test.ts',
    answers: { 200: { description: 'The text /ping.' } },
  }),
  status: declare({
    method: 'GET',
    path: '/status',
    authentication: 'none',
    summary: 'The build that runs; 200 as long as the process lives.',
    callers: 'Unity: three HEAD requests at its start, which fails without an answer',
    test: 'cells/gatekeeper/routes.test.ts',
    answers: {
      200: {
        description: 'The build.',
        body: z.object({
          version: z.string(),
          currentTime: z.number(),
          commitHash: z.string(),
          livekit: z.enum(['reachable', 'unreachable']).optional(),
          webhooks: z.enum(['arrive', 'missing', 'unknown']).optional().describe('Whether LiveKit sends webhooks here.'),
        }),
      },
    },
  }),
  userBans: declare({
    method: 'GET',
    path: '/users/:address/bans',
    authentication: 'none',
    summary: 'Whether a player is banned from the platform, and until when.',
    callers: 'Unity, connectors, Archipelago, worlds content servers',
    differs:
      'Without the moderator, the reason and the device: every stranger may ask. While the bans are not known: 503, not "no".',
    test: 'cells/gatekeeper/routes.test.ts',
    answers: {
      200: {
        description: 'The ban in force, if there is one.',
        body: z.object({ data: z.object({ isBanned: z.boolean(), ban: z.object({ expiresAt: isoTime }).optional() }) }),
      },
      429: { description: 'Too many queries from this address.' },
    },
  }),
  bannedUsers: declare({
    method: 'POST',
    path: '/users/bans',
    authentication: 'none',
    summary: `Which of at most ${MAX_ADDRESSES} players are banned from the platform, and which were kicked within the last minute.`,
    callers: 'connectors and embedded rooms of this project',
    differs: 'Upstream has no such route: its connectors ask about each player.',
    test: 'cells/gatekeeper/routes.test.ts',
    body: z.object({ addresses: z.array(z.unknown()).max(MAX_ADDRESSES) }),
    answers: {
      200: {
        description: 'Those that are banned, and those whose sessions that are older than a kick have to end.',
        body: z.object({ data: z.object({ banned: z.array(z.string()), kicked: z.array(kick), version: z.string() }) }),
      },
      429: { description: 'Too many queries from this address.' },
    },
  }),
  bansVersion: declare({
    method: 'GET',
    path: '/users/bans/version',
    authentication: 'none',
    summary:
      'A text that is another one after every change of the bans and every kick, so that a caller knows when to ask again.',
    callers: 'connectors and embedded rooms of this project, several times a second',
    differs: 'Upstream has no such route: its connectors ask about each player every 30 seconds.',
    test: 'cells/gatekeeper/routes.test.ts',
    answers: {
      200: { description: 'The version.', body: z.object({ data: z.object({ version: z.string() }) }) },
      429: { description: 'Too many queries from this address.' },
    },
  }),
  openApi: declare({
    method: 'GET',
    path: '/openapi.json',
    authentication: 'none',
    summary: 'This API as an OpenAPI 3.1 document.',
    callers: 'people and their tools',
    differs: 'Upstream keeps its document in its repository.',
    test: 'cells/gatekeeper/api/openapi.test.ts',
    answers: { 200: { description: 'The document.' } },
  }),
}
