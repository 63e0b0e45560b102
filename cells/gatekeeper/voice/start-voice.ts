import type { Clock } from '../../chassis/clock.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import type { DenyList } from '../../identity/deny-list.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Storage } from '../adapters/storage.ts'
import type { BanList } from '../ban-list.ts'
import type { GatekeeperConfig } from '../config.ts'
import { roomPrefixesOf } from '../core/room-names.ts'
import { isShutOut } from '../livekit/must-leave.ts'
import type { RoomControl } from '../livekit/room-control.ts'
import type { GatekeeperMetrics } from '../metrics.ts'
import { CommunityChats } from './community-chats.ts'
import type { CommunityVoiceHandlersOptions } from './community-voice-handlers.ts'
import { PrivateCalls } from './private-calls.ts'
import type { PrivateVoiceHandlersOptions } from './private-voice-handlers.ts'
import { VoiceEntrance, type VoiceEntranceOptions } from './voice-entrance.ts'
import { VoiceEvents } from './voice-events.ts'
import { VoiceRooms } from './voice-rooms.ts'
import { VoiceSweep } from './voice-sweep.ts'

export interface VoiceOptions extends Omit<VoiceEntranceOptions, 'isShutOut'> {
  bans: BanList
  denyList: DenyList
  storage: Storage
  /** Undefined where the rooms are not those of a LiveKit: then there are no voice chats. */
  control: RoomControl | undefined
  clock: Clock
  log: Log
  metrics: GatekeeperMetrics
}

const TTL_MS = 300_000
/** Nothing is in rooms that are not those of a LiveKit. */
const noRooms = { delete: async () => false, remove: async () => false, update: async () => false }

/** The voice chats of a gatekeeper: what the handlers of their routes need, and all that happens in the background. */
export function startVoice(
  config: GatekeeperConfig,
  { storage, control, transport, bans, denyList, clock, log, metrics }: VoiceOptions,
): PrivateVoiceHandlersOptions & CommunityVoiceHandlersOptions & Running {
  const times = {
    toJoinMs: config.VOICE_CHAT_INITIAL_CONNECTION_TTL ?? TTL_MS,
    toReturnMs: config.VOICE_CHAT_CONNECTION_INTERRUPTED_TTL ?? TTL_MS,
    withoutModeratorMs: config.COMMUNITY_VOICE_CHAT_NO_MODERATOR_TTL ?? TTL_MS,
  }
  const { database } = storage
  const isShutOutOf = (address: PeerId) => isShutOut(address, { bans, denyList, storage })
  const entrance = new VoiceEntrance({ transport, bans, denyList, isShutOut: isShutOutOf })
  const calls = new PrivateCalls(database, { clock, times })
  const chats = new CommunityChats(database, { clock, times })
  const voiceRooms = new VoiceRooms({ rooms: control?.rooms ?? noRooms, chats, log })
  let sweep: VoiceSweep | undefined
  if (control) {
    const { useOf, rooms: livekit } = control
    const events = new VoiceEvents({ calls, chats, rooms: voiceRooms, useOf, log })
    control.listen(events.listen)
    sweep = new VoiceSweep({ calls, chats, events, rooms: voiceRooms, livekit, useOf, clock, log, metrics })
  }
  const { privateVoice, communityVoice } = roomPrefixesOf(config)
  return {
    ...{ calls, chats, voiceRooms, control, entrance },
    ...{ privateVoicePrefix: privateVoice, communityVoicePrefix: communityVoice },
    stop: async () => sweep?.stop(),
  }
}
