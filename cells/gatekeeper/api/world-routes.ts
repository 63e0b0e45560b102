import { z } from 'zod'
import { declare } from './declaration.ts'

const refusal = z.object({ error: z.string(), message: z.string() })
const granted = {
  description: 'Where to connect: `livekit:wss://…?access_token=…` or `ws-room:wss://…`.',
  body: z.object({ fixedAdapter: z.string() }),
}

const answers = {
  200: granted,
  400: { description: 'Scene code may not enter rooms.', body: refusal },
  403: { description: 'The shared secret is missing or wrong.', body: refusal },
  404: { description: 'This gatekeeper serves no such world, or the world has no such scene.', body: refusal },
  429: { description: 'Too many wrong secrets from this address, or too many requests.' },
  503: { description: 'The world is full, or the room cannot be opened now.', body: refusal },
}

/** The worlds that a gatekeeper serves (gatekeeper.md §9). */
export const hostedWorldRoutes = {
  worldComms: declare({
    method: 'POST',
    path: '/worlds/:world/comms',
    authentication: 'signed',
    summary: 'The address and the token with which a player enters the room of a world.',
    callers: 'Unity, Godot and Bevy, as `/about` of the world tells them (`signed-login`)',
    differs:
      'The world is named by its Realm. A missing secret is no wrong one: it is 403 too, but does not count for the limit. While the bans are not known: 503.',
    test: 'cells/gatekeeper/worlds/world-comms.test.ts',
    answers,
  }),
  worldSceneComms: declare({
    method: 'POST',
    path: '/worlds/:world/scenes/:scene/comms',
    authentication: 'signed',
    summary: 'The same for the room of one scene of a world.',
    callers: 'Unity, where it is told to ask here',
    test: 'cells/gatekeeper/worlds/world-comms.test.ts',
    answers,
  }),
  liveData: declare({
    method: 'GET',
    path: '/live-data',
    authentication: 'none',
    summary: 'How many players are in each world of this gatekeeper.',
    callers: 'the realm provider, the operator',
    differs: 'Worlds without players are listed too.',
    test: 'cells/gatekeeper/worlds/world-comms.test.ts',
    answers: {
      200: {
        description: 'The numbers.',
        body: z.object({
          data: z.object({
            totalUsers: z.int(),
            perWorld: z.array(z.object({ worldName: z.string(), users: z.int() })),
          }),
          lastUpdated: z.string(),
        }),
      },
      429: { description: 'Too many queries from this address.' },
    },
  }),
}
