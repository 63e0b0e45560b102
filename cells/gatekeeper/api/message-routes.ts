import { z } from 'zod'
import { declare } from './declaration.ts'

const test = 'cells/gatekeeper/message-handlers.test.ts'

/** The room of private messages, which every player of the realm is in. */
export const messageRoutes = {
  token: declare({
    ...{ method: 'GET', path: '/private-messages/token', authentication: 'signedByExplorer', test },
    callers: 'Unity, whose start waits for it',
    summary: 'The address and the token with which a player enters the room of private messages.',
    differs: 'While bans are not known: 503, not 500. Where a realm has embedded rooms: 403, after which explorers go on.',
    answers: {
      200: { description: 'Where to connect.', body: z.object({ adapter: z.string() }) },
      401: { description: 'The wallet is on the deny list.' },
      403: { description: 'The player is banned, or the realm has no LiveKit.' },
    },
  }),
  privacy: declare({
    ...{ method: 'PATCH', path: '/users/:address/private-messages-privacy', authentication: 'service', test },
    callers: 'social services',
    summary: 'Tells the room of private messages from whom a player takes messages.',
    body: z.strictObject({
      private_messages_privacy: z
        .string()
        .transform((text) => text.toLowerCase())
        .pipe(z.enum(['all', 'only_friends'])),
    }),
    answers: {
      204: { description: 'Told.' },
      400: { description: 'The address is no wallet address, or the player is not in the room.' },
    },
  }),
}
