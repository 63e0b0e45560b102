import { Refusal } from '../../chassis/errors.ts'
import type { LivekitTransport } from '../../rtc/livekit-transport.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'

/** @throws Refusal NOT_SUPPORTED where the rooms of the realm are not those of a LiveKit */
export function livekitOf(transport: RoomTransport | LivekitTransport | undefined): LivekitTransport {
  if (transport && 'adapter' in transport) return transport
  throw new Refusal('NOT_SUPPORTED', 'This realm has no LiveKit, which this needs')
}
