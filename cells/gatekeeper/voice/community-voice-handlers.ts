import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import { grants } from '../../rtc/grants.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { ApiHandlers } from '../api/declaration.ts'
import { walletIn } from '../api/path-wallet.ts'
import type { communityVoiceRoutes } from '../api/voice-routes.ts'
import type { CommunityChats, MemberCount } from './community-chats.ts'
import type { VoiceEntrance } from './voice-entrance.ts'
import type { VoiceRooms } from './voice-rooms.ts'

/** What the routes of communities' voice chats need. */
export interface CommunityVoiceHandlersOptions {
  chats: CommunityChats
  voiceRooms: VoiceRooms
  entrance: VoiceEntrance
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { rooms: Pick<LivekitRooms, 'participant'> } | undefined
  /** Beginning of the names of the rooms of communities' voice chats. */
  communityVoicePrefix: string
}

/** Handlers of the routes of communities' voice chats (gatekeeper.md §4.11). */
export function communityVoiceHandlers(options: CommunityVoiceHandlersOptions): ApiHandlers<typeof communityVoiceRoutes> {
  const { chats, voiceRooms, entrance, communityVoicePrefix: prefix } = options
  type Params = Record<'communityId' | 'userAddress', string>
  const change = (params: Params, metadata: Record<string, boolean>, message: string) =>
    changed(options, params, metadata, message)
  return {
    async userStatus({ params }) {
      const userAddress = walletIn(params.userAddress)
      return ok({ userAddress, isInCommunityVoiceChat: await chats.isLive(userAddress) })
    },
    async enter({ body: { community_id: id, user_address: identity, action, user_role: role, profile_data: profile } }) {
      await entrance.admit(identity)
      const room = prefix + id
      const { metadata, isSpeaker } = await chats.admit(room, identity, {
        ...{ action, role, name: profile?.name ?? undefined, hasClaimedName: profile?.has_claimed_name ?? undefined },
        profilePictureUrl: profile?.profile_picture_url ?? undefined,
      })
      const grant = isSpeaker ? grants.speaker : grants.listener
      return ok({ connection_url: entrance.adapter({ identity, room, grant, metadata }) })
    },
    async status({ params }) {
      const [count] = await chats.memberCounts([prefix + params.communityId])
      return ok(statusOf(count))
    },
    async statuses({ body: { community_ids: ids } }) {
      const found = await chats.memberCounts(ids.map((id) => prefix + id))
      const byRoom = new Map(found.map((count) => [count.room, count]))
      return ok({ data: ids.toSorted().map((id) => ({ community_id: id, ...statusOf(byRoom.get(prefix + id)) })) })
    },
    async active() {
      const data = (await chats.memberCounts())
        .filter(({ moderators }) => moderators > 0)
        .map(({ room, participants, moderators }) => ({
          ...{ communityId: room.slice(prefix.length), participantCount: participants, moderatorCount: moderators },
        }))
      return ok({ data, total: data.length })
    },
    requestToSpeak: ({ params }) => change(params, { isRequestingToSpeak: true }, 'Request to speak sent successfully'),
    rejectRequest: ({ params }) => change(params, { isRequestingToSpeak: false }, 'Speak request rejected successfully'),
    promote: ({ params }) =>
      change(params, { isRequestingToSpeak: false, isSpeaker: true }, 'User promoted to speaker successfully'),
    demote: ({ params }) =>
      change(params, { isRequestingToSpeak: false, isSpeaker: false }, 'User demoted to listener successfully'),
    mute: ({ params, body: { muted } }) => change(params, { muted }, `User ${muted ? 'muted' : 'unmuted'} successfully`),
    async kick({ params }) {
      const [room, address] = [prefix + params.communityId, walletIn(params.userAddress)]
      if (!(await chats.kick(room, address))) throw notThere()
      await voiceRooms.remove(room, address)
      return ok({ message: 'User kicked from voice chat successfully' })
    },
    async end({ params }) {
      await voiceRooms.end(chats, prefix + params.communityId, 'a moderator ended it')
      return ok({ message: 'Community voice chat ended successfully' })
    },
  }
}

/** Changes what a member who is in the room shows, on record and then in the room. */
async function changed(
  { chats, voiceRooms, control, communityVoicePrefix }: CommunityVoiceHandlersOptions,
  { communityId, userAddress }: Record<'communityId' | 'userAddress', string>,
  metadata: Record<string, boolean>,
  message: string,
) {
  const [room, address] = [communityVoicePrefix + communityId, walletIn(userAddress)]
  if (!(await control?.rooms.participant(room, address))) throw notThere()
  const member = await chats.change(room, address, metadata)
  if (!member || !(await voiceRooms.show(room, address, member))) throw notThere()
  return ok({ message })
}

const statusOf = (
  { participants, moderators }: Pick<MemberCount, 'participants' | 'moderators'> = { participants: 0, moderators: 0 },
) => ({
  ...{ active: moderators > 0, participant_count: participants, moderator_count: moderators },
})

const notThere = (): Refusal => new Refusal('NOT_FOUND', 'The player is not in the voice chat')
