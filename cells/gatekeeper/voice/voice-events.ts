import type { ParticipantInfo } from 'livekit-server-sdk'
import type { Log } from '../../chassis/log.ts'
import { type RoomUse, walletOf } from '../core/room-names.ts'
import type { RoomEventListener } from '../livekit/webhooks.ts'
import type { CommunityChats } from './community-chats.ts'
import type { MemberRecords, Session } from './member-records.ts'
import type { PrivateCalls } from './private-calls.ts'
import type { VoiceRooms } from './voice-rooms.ts'

export interface VoiceEventsOptions {
  calls: PrivateCalls
  chats: CommunityChats
  rooms: VoiceRooms
  /** Undefined for a room of others. */
  useOf: (room: string) => RoomUse | undefined
  log: Log
}

/** `livekit.DisconnectReason`, of which the SDK exports the type only. */
const reasons = { clientInitiated: 1, duplicateIdentity: 2, participantRemoved: 4, roomDeleted: 5, migration: 8 }

/**
 * Carries out what LiveKit tells of the rooms of voice chats (gatekeeper.md §6). An event that is doubled, late or out of order
 * changes nothing that a later one has decided; what an event that was lost would have changed is found by `VoiceSweep`.
 */
export class VoiceEvents {
  readonly #options: VoiceEventsOptions

  constructor(options: VoiceEventsOptions) {
    this.#options = options
  }

  readonly listen: RoomEventListener = async (event) => {
    const room = event.room?.name
    const kind = room === undefined ? undefined : this.#options.useOf(room)?.kind
    if (room === undefined || (kind !== 'private-voice' && kind !== 'community-voice')) return
    if (event.event === 'room_finished') return this.#recordsOf(kind).roomFinished(room, Number(event.createdAt) * 1_000)
    const session = voiceSessionOf(room, event.participant)
    if (!session || !event.participant) return
    if (event.event === 'participant_joined')
      return kind === 'private-voice' ? this.joinedCall(session) : this.joinedChat(session, event.participant)
    if (event.event !== 'participant_left') return
    await this.#left(kind, session, event.participant.disconnectReason)
  }

  /** A player joined the room of a call. */
  async joinedCall(session: Session): Promise<void> {
    const { calls, rooms } = this.#options
    const { room, address } = session
    if (!(await calls.isActive(room))) return rooms.close(room)
    const members = await calls.of(room)
    if (!members.some((member) => member.address === address)) return void (await rooms.remove(room, address))
    if (!(await calls.joined(session))) return
    for (const other of await calls.leaveOthers(session)) await rooms.close(other)
  }

  /** A player joined the room of a community's chat, with what an earlier token said of that player. */
  async joinedChat(session: Session, { metadata, permission }: Pick<ParticipantInfo, 'metadata' | 'permission'>): Promise<void> {
    const { chats, rooms } = this.#options
    const { room, address } = session
    const member = await chats.shown(room, address)
    if (!member && (await chats.of(room)).length === 0) return rooms.close(room)
    if (!member || member.isKicked) return void (await rooms.remove(room, address))
    await chats.joined(session)
    if (metadata !== member.metadata || permission?.canPublish !== member.isSpeaker) await rooms.show(room, address, member)
  }

  async #left(kind: 'private-voice' | 'community-voice', session: Session, reason: number): Promise<void> {
    const { calls, chats, rooms, log } = this.#options
    const { room, address } = session
    const records = this.#recordsOf(kind)
    // Of the same player with another connection, which has an event of its own.
    if (reason === reasons.duplicateIdentity || reason === reasons.migration) return
    if (reason === reasons.roomDeleted) {
      if (await records.endedUnder(session)) log.info({ room }, 'a voice chat ended, because LiveKit deleted its room')
      return
    }
    const isRemoved = reason === reasons.participantRemoved
    const isMeant = isRemoved || reason === reasons.clientInitiated
    if (!(await records.left(session, isMeant ? 'disconnected' : 'connection_interrupted')) || !isMeant) return
    if (kind === 'private-voice') return void (await rooms.end(calls, room, 'one of the two left it'))
    // One who was removed may have been banned: another moderator has time to come.
    if (!isRemoved && (await chats.isLastModerator({ room, address }))) await rooms.end(chats, room, 'the last moderator left it')
  }

  #recordsOf(kind: 'private-voice' | 'community-voice'): MemberRecords {
    return kind === 'private-voice' ? this.#options.calls : this.#options.chats
  }
}

/** The connection of a player; undefined for servers and the like. */
export function voiceSessionOf(
  room: string,
  participant: Pick<ParticipantInfo, 'identity' | 'sid' | 'joinedAt' | 'joinedAtMs'> | undefined,
): Session | undefined {
  const address = participant && walletOf(participant.identity)
  if (!address) return undefined
  const { sid, joinedAt, joinedAtMs } = participant
  return { room, address, sid, joinedAtMs: Number(joinedAtMs) || Number(joinedAt) * 1_000 }
}
