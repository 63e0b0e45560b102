import type { Clock } from '../chassis/clock.ts'
import { type Handler, type Route, route } from '../chassis/http.ts'
import { castRoutes } from './api/cast-routes.ts'
import { sceneAdapterRoute } from './api/declared-routes.ts'
import { messageRoutes } from './api/message-routes.ts'
import { moderatorRoutes } from './api/moderator-routes.ts'
import { platformRoutes } from './api/platform-routes.ts'
import { publicRoutes } from './api/public-routes.ts'
import { sceneRoomRoutes } from './api/room-routes.ts'
import { sceneRoutes } from './api/scene-routes.ts'
import { type ServeOptions, serve } from './api/serve.ts'
import { serviceRoutes } from './api/service-routes.ts'
import { streamRoutes } from './api/stream-routes.ts'
import { communityVoiceRoutes, privateVoiceRoutes } from './api/voice-routes.ts'
import { hostedWorldRoutes } from './api/world-routes.ts'
import type { BanList } from './ban-list.ts'
import { type CastHandlersOptions, castHandlers } from './cast/cast-handlers.ts'
import type { RoomControl } from './livekit/room-control.ts'
import { type MessageHandlersOptions, messageHandlers } from './message-handlers.ts'
import { type ModeratorHandlersOptions, moderatorHandlers } from './platform/moderator-handlers.ts'
import { type PlatformHandlersOptions, platformHandlers } from './platform/platform-handlers.ts'
import { type PublicHandlersOptions, publicHandlers } from './public-handlers.ts'
import { type SceneRoomHandlersOptions, sceneRoomHandlers } from './scene-room-handlers.ts'
import { type SceneHandlersOptions, sceneHandlers } from './scenes/scene-handlers.ts'
import { type ServiceHandlersOptions, serviceHandlers } from './service-handlers.ts'
import { type StreamHandlersOptions, streamHandlers } from './streams/stream-handlers.ts'
import { type CommunityVoiceHandlersOptions, communityVoiceHandlers } from './voice/community-voice-handlers.ts'
import { type PrivateVoiceHandlersOptions, privateVoiceHandlers } from './voice/private-voice-handlers.ts'
import { type WorldHandlersOptions, worldHandlers } from './worlds/world-handlers.ts'

/** Everything that the handlers of all routes need. */
export type GatekeeperRouteDependencies = ServeOptions &
  PublicHandlersOptions &
  PlatformHandlersOptions &
  ModeratorHandlersOptions &
  SceneHandlersOptions &
  SceneRoomHandlersOptions &
  ServiceHandlersOptions &
  StreamHandlersOptions &
  CastHandlersOptions &
  MessageHandlersOptions &
  WorldHandlersOptions &
  PrivateVoiceHandlersOptions &
  CommunityVoiceHandlersOptions & {
    bans: BanList
    clock: Clock
    /** `SceneAdapter.handle`, for `POST /get-scene-adapter`. */
    sceneAdapter: Handler
    /** Undefined where the rooms are not those of a LiveKit. */
    control: RoomControl | undefined
  }

/** The path of the gatekeeper on a host that it shares; routes are served there and at the root. */
const PREFIX = '/gatekeeper'

/** The gatekeeper's API, each route at the root and below `/gatekeeper`. */
export function gatekeeperRoutes(dependencies: GatekeeperRouteDependencies): Route[] {
  const routes = [
    route(sceneAdapterRoute.method, sceneAdapterRoute.path, dependencies.sceneAdapter),
    ...(dependencies.control?.routes ?? []),
    ...serve(publicRoutes, publicHandlers(dependencies), dependencies),
    ...serve(platformRoutes, platformHandlers(dependencies), dependencies),
    ...serve(moderatorRoutes, moderatorHandlers(dependencies), dependencies),
    ...serve(sceneRoutes, sceneHandlers(dependencies), dependencies),
    ...serve(sceneRoomRoutes, sceneRoomHandlers(dependencies), dependencies),
    ...serve(streamRoutes, streamHandlers(dependencies), dependencies),
    ...serve(castRoutes, castHandlers(dependencies), dependencies),
    ...serve(serviceRoutes, serviceHandlers(dependencies), dependencies),
    ...serve(messageRoutes, messageHandlers(dependencies), dependencies),
    ...serve(hostedWorldRoutes, worldHandlers(dependencies), dependencies),
    ...serve(privateVoiceRoutes, privateVoiceHandlers(dependencies), dependencies),
    ...serve(communityVoiceRoutes, communityVoiceHandlers(dependencies), dependencies),
  ]
  return routes.flatMap((each) => [each, { ...each, path: PREFIX + each.path }])
}
