import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import { grants } from '../../rtc/grants.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { CommunityChats, ShownMember } from './community-chats.ts'
import type { MemberRecords } from './member-records.ts'

export interface VoiceRoomsOptions {
  rooms: Pick<LivekitRooms, 'delete' | 'remove' | 'update'>
  chats: Pick<CommunityChats, 'shown'>
  log: Log
}

/** So often a member is shown anew because another replica changed the member meanwhile; the next look at the rooms does the rest. */
const MAX_SHOWS = 3

/** The rooms of voice chats, made to be as the records say. */
export class VoiceRooms {
  readonly #options: VoiceRoomsOptions

  constructor(options: VoiceRoomsOptions) {
    this.#options = options
  }

  /** Ends a chat; returns who was in it. Where LiveKit does not answer, the next look at the rooms finds one without a record. */
  async end(records: Pick<MemberRecords, 'end'>, room: string, why: string): Promise<PeerId[]> {
    const members = await records.end(room)
    if (members.length > 0) this.#options.log.info({ room, members: members.length, why }, 'a voice chat ended')
    await this.close(room)
    return members
  }

  /** Disconnects everyone from a room. */
  async close(room: string): Promise<void> {
    const { rooms, log } = this.#options
    try {
      await rooms.delete(room)
    } catch (error) {
      log.warn({ room, error: messageOf(error) }, 'the room of a voice chat that ended could not be closed')
    }
  }

  /** Disconnects one participant who has no place in a room; whether it was there. @throws Refusal UNAVAILABLE */
  remove(room: string, identity: string): Promise<boolean> {
    return this.#options.rooms.remove(room, identity)
  }

  /**
   * Lets a member of a community's chat show and do what is on record. Always with the whole set of permissions, because LiveKit
   * replaces all of them: a speaker gets a microphone, and no camera or screen.
   *
   * @returns whether the member is in the room @throws Refusal UNAVAILABLE
   */
  async show(room: string, address: PeerId, member: ShownMember): Promise<boolean> {
    const { rooms, chats } = this.#options
    let shown = member
    for (let left = MAX_SHOWS; ; left--) {
      const { metadata, isSpeaker } = shown
      const isThere = await rooms.update(room, address, { metadata, grant: isSpeaker ? grants.speaker : grants.listener })
      const now = isThere && left > 1 ? await chats.shown(room, address) : undefined
      if (!now || now.metadata === metadata) return isThere
      shown = now
    }
  }
}
