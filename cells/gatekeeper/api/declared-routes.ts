import { z } from 'zod'
import { castRoutes } from './cast-routes.ts'
import { type Declaration, declare } from './declaration.ts'
import { messageRoutes } from './message-routes.ts'
import { moderatorRoutes } from './moderator-routes.ts'
import { platformRoutes } from './platform-routes.ts'
import { publicRoutes } from './public-routes.ts'
import { livekitWebhookRoute, sceneRoomRoutes } from './room-routes.ts'
import { sceneRoutes } from './scene-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { streamRoutes } from './stream-routes.ts'
import { communityVoiceRoutes, privateVoiceRoutes } from './voice-routes.ts'
import { hostedWorldRoutes } from './world-routes.ts'

/** The route of scene tokens, which `SceneAdapter` serves itself, because it counts every outcome. */
export const sceneAdapterRoute = declare({
  method: 'POST',
  path: '/get-scene-adapter',
  authentication: 'signed',
  summary: 'The address and the token with which a player enters the room of a scene.',
  callers: 'Unity, Godot, Bevy, the viewer of decentraland.org',
  differs: 'An overload is 503 with Retry-After and not 401, which explorers take for "forbidden".',
  test: 'cells/gatekeeper/scene-adapter.test.ts',
  answers: {
    200: {
      description: 'Where to connect: `livekit:wss://…?access_token=…` or `ws-room:wss://…`.',
      body: z.object({ adapter: z.string() }),
    },
    400: { description: 'The metadata names no scene.' },
    403: { description: 'The player is banned.' },
  },
})

/** Every route of the API, in the order of the documentation. A group of routes is added here and in `routes.ts`. */
export const declaredRoutes: readonly Declaration[] = [
  sceneAdapterRoute,
  livekitWebhookRoute,
  ...Object.values(sceneRoomRoutes),
  ...Object.values(publicRoutes),
  ...Object.values(platformRoutes),
  ...Object.values(moderatorRoutes),
  ...Object.values(sceneRoutes),
  ...Object.values(streamRoutes),
  ...Object.values(castRoutes),
  ...Object.values(serviceRoutes),
  ...Object.values(messageRoutes),
  ...Object.values(privateVoiceRoutes),
  ...Object.values(communityVoiceRoutes),
  ...Object.values(hostedWorldRoutes),
]
