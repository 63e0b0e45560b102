import type { Bus } from '../bus/bus.ts'
import { UserError } from '../chassis/errors.ts'
import { createLivekitTransport } from '../rtc/livekit-transport.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { createWsRoomTransport } from '../rtc/ws-room-transport.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { ArchipelagoConfig } from './config.ts'

/** The transport of the configured rooms. @throws UserError when neither LiveKit nor embedded rooms are configured */
export function roomTransportOf(
  config: ArchipelagoConfig,
  bus: Bus,
  subjects: Subjects,
  term: () => FencingToken | undefined,
): RoomTransport {
  if (config.ROOMS_URL !== undefined) return createWsRoomTransport({ url: config.ROOMS_URL, bus, subjects, term })
  const { LIVEKIT_HOST: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = config
  if (url && apiKey && apiSecret) return createLivekitTransport({ url, apiKey, apiSecret })
  throw new UserError('the archipelago has no rooms: give LIVEKIT_HOST with its key and secret, or ROOMS_URL', 2)
}
