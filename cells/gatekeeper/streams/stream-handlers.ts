import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'
import { type ApiHandlers, noContent } from '../api/declaration.ts'
import type { streamRoutes } from '../api/stream-routes.ts'
import { livekitOf } from '../livekit/livekit-of.ts'
import type { StreamKeys } from './stream-keys.ts'
import type { StreamAccess, StreamRecords } from './stream-records.ts'
import { demandUnbanned, type StreamTargetsOptions, targetOf } from './stream-targets.ts'

export interface StreamHandlersOptions extends StreamTargetsOptions {
  streamKeys: StreamKeys
  streams: Pick<StreamRecords, 'activeOf'>
  transport: RoomTransport | undefined
}

const REFUSED = 'Access denied, you are not authorized to access this scene'

/** Handlers of the keys of streams (gatekeeper.md §4.8). */
export function streamHandlers(options: StreamHandlersOptions): ApiHandlers<typeof streamRoutes> {
  const { streamKeys, streams, transport } = options
  const refusal = () => new Refusal('UNAUTHORIZED', REFUSED)
  return {
    async streamAccess({ caller }) {
      await demandUnbanned(options, caller)
      const { placeId, room } = await targetOf(options, caller, refusal())
      const access = await streams.activeOf(placeId)
      if (access?.ingressId && streamKeys.isUsable(access, room)) return ok(shown(access))
      throw new Refusal('NOT_FOUND', 'No active streaming access found for place')
    },
    async createStreamAccess({ caller }) {
      await demandUnbanned(options, caller)
      const target = await targetOf(options, caller, refusal())
      livekitOf(transport)
      return ok(shown(await streamKeys.keyOf(target, { needsEndpoint: true })))
    },
    async resetStreamAccess({ caller }) {
      await demandUnbanned(options, caller)
      const target = await targetOf(options, caller, refusal())
      livekitOf(transport)
      return ok(shown(await streamKeys.replace(target)))
    },
    async deleteStreamAccess({ caller }) {
      await streamKeys.end(await targetOf(options, caller, refusal()))
      return noContent
    },
  }
}

const shown = ({ url, key, createdAt, expiresAt }: StreamAccess) => ({
  ...{ streaming_url: url, streaming_key: key },
  ...{ created_at: createdAt, ends_at: expiresAt },
})
