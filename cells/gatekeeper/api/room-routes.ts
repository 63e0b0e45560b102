import { z } from 'zod'
import { declare } from './declaration.ts'

/** The endpoint of LiveKit's webhooks, which reads the body as text, because LiveKit signs its bytes. */
export const livekitWebhookRoute = declare({
  method: 'POST',
  path: '/livekit-webhook',
  authentication: 'none',
  summary: 'Events of rooms and participants, signed by LiveKit with its key. Who may not be in a room is removed from it.',
  callers: 'LiveKit',
  differs:
    'An event that cannot be processed now is 503, which LiveKit repeats, and not 400. The answer does not repeat the body.',
  test: 'cells/gatekeeper/livekit/room-guard.test.ts',
  answers: {
    200: { description: 'Processed, or of no interest.' },
    400: { description: 'Not signed by this LiveKit, or no event.' },
  },
})

const test = 'cells/gatekeeper/scene-room-handlers.test.ts'

/** The rooms of scenes, for others than players. */
export const sceneRoomRoutes = {
  serverAdapter: declare({
    ...{ method: 'POST', path: '/get-server-scene-adapter', authentication: 'signed', test },
    callers: 'authoritative servers of scenes (hammurabi, the server of Bevy)',
    summary: 'The address and the token with which the authoritative server of a scene enters its room.',
    differs: 'Scene code gets no token here either. A banned wallet is 403, a realm without LiveKit 501.',
    answers: {
      200: { description: 'Where to connect.', body: z.object({ adapter: z.string() }) },
      400: { description: 'The metadata names no scene, or the world has no such scene.' },
      401: { description: 'The wallet is not that of the authoritative server, or is on the deny list.' },
      403: { description: 'The wallet is banned.' },
      501: { description: 'The realm has no LiveKit.' },
    },
  }),
  participants: declare({
    ...{ method: 'GET', path: '/scene-participants', authentication: 'none', test },
    callers: 'places services, the server of events',
    summary: 'Which players are in the room of a scene, or in that of a whole world.',
    differs: 'An answer may be 5 seconds old. A malformed pointer is 400, a realm without LiveKit 501.',
    query: z.object({
      pointer: z.string().max(32).optional().describe('A parcel of the scene, `x,y`.'),
      realm_name: z
        .string()
        .max(256)
        .optional()
        .describe('Name of the realm or world; without one, the realm of this gatekeeper.'),
    }),
    answers: {
      200: {
        description: 'The players; none where the room is empty.',
        body: z.object({ ok: z.literal(true), data: z.object({ addresses: z.array(z.string()) }) }),
      },
      400: { description: 'The query names neither a parcel nor a world.' },
      404: { description: 'No scene is deployed there.' },
      429: { description: 'Too many requests from this address.' },
      501: { description: 'The realm has no LiveKit.' },
    },
  }),
}
