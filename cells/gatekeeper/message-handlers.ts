import { z } from 'zod'
import { cloudflareClientAddress } from '../chassis/client-address.ts'
import { Refusal } from '../chassis/errors.ts'
import { ok } from '../chassis/http.ts'
import type { DenyList } from '../identity/deny-list.ts'
import { grants } from '../rtc/grants.ts'
import type { LivekitRooms } from '../rtc/livekit-rooms.ts'
import type { LivekitTransport } from '../rtc/livekit-transport.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import { type ApiHandlers, noContent } from './api/declaration.ts'
import type { messageRoutes } from './api/message-routes.ts'
import { walletIn } from './api/path-wallet.ts'
import type { BanList } from './ban-list.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { deviceIdOf } from './core/scene-access.ts'
import type { JsonService } from './upstream/json-service.ts'

/** What the room of private messages needs. */
export interface MessageHandlersOptions {
  bans: Pick<BanList, 'known' | 'against'>
  denyList: DenyList
  /** Undefined where the realm has neither LiveKit nor embedded rooms. */
  transport: RoomTransport | LivekitTransport | undefined
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { rooms: Pick<LivekitRooms, 'update'> } | undefined
  connections: Pick<ConnectionRecorder, 'record'>
  /** Name of the room of private messages. */
  privateMessagesRoom: string
  /** Knows from whom players take messages. */
  social: Pick<JsonService, 'ask' | 'isConfigured'>
  /** Whether `cf-connecting-ip` is written by Cloudflare, and not by the client. */
  trustsCloudflare: boolean
}

const privacySettings = z.object({ private_messages_privacy: z.string() })

/** Handlers of the room of private messages (gatekeeper.md §4.10). */
export function messageHandlers(options: MessageHandlersOptions): ApiHandlers<typeof messageRoutes> {
  const { bans, denyList, control, connections, trustsCloudflare } = options
  return {
    async token({ caller: { wallet, metadata }, http }) {
      const deviceId = deviceIdOf(metadata.deviceIdentifier)
      const ipAddress = trustsCloudflare ? cloudflareClientAddress(http.headers) : undefined
      connections.record({ address: wallet, ipAddress, deviceId })
      if (!denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
      if (denyList.has(wallet)) throw new Refusal('UNAUTHORIZED', 'Access denied, deny-listed wallet')
      if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
      if (bans.against({ address: wallet, deviceId })) throw new Refusal('FORBIDDEN', 'Access denied, platform-banned user')
      return ok({ adapter: await openRoom(options, wallet) })
    },
    async privacy({ params, body }) {
      const address = walletIn(params.address)
      // Nothing else is in the metadata of a participant of this room, and participants cannot write it.
      const isThere = await control?.rooms.update(options.privateMessagesRoom, address, { metadata: JSON.stringify(body) })
      if (!isThere) throw new Refusal('INVALID', 'Participant is not connected to the room')
      return noContent
    },
  }
}

async function openRoom(options: MessageHandlersOptions, wallet: PeerId): Promise<string> {
  const { transport } = options
  if (!transport) throw new Refusal('UNAVAILABLE', 'This realm has no rooms: neither LiveKit nor embedded rooms are configured')
  // An embedded room of this kind would take the place of the scene's. Explorers go on after a refusal, and not after an outage.
  if (!('adapter' in transport)) throw new Refusal('FORBIDDEN', 'This realm has no room for private messages')
  const metadata = JSON.stringify({ private_messages_privacy: await privacyOf(options, wallet) })
  return transport.adapter({ identity: wallet, room: options.privateMessagesRoom, grant: grants.listener, metadata })
}

/** The receiver filters by it; where the social service does not answer, a player takes messages of all, as upstream has it. */
async function privacyOf({ social }: MessageHandlersOptions, wallet: PeerId): Promise<string> {
  if (!social.isConfigured) return 'all'
  const settings = await social.ask(`v1/users/${wallet}/privacy-settings`, privacySettings).catch(() => undefined)
  return settings?.private_messages_privacy ?? 'all'
}
