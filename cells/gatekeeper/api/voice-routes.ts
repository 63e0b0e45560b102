import { z } from 'zod'
import { declare, storableText, walletAddress } from './declaration.ts'

const test = 'cells/gatekeeper/voice/private-voice.test.ts'
const communityTest = 'cells/gatekeeper/voice/community-voice.test.ts'
const service = { authentication: 'service', callers: 'social services' } as const

/** Short enough that the name of the room is one that LiveKit takes. */
const roomId = storableText(128)
const shortText = storableText(1_024)

const noWallet = { 400: { description: 'The address is no wallet address.' } }
const refused = {
  403: { description: 'A player is banned or on the deny list.' },
  501: { description: 'The realm has no LiveKit.' },
}
const connection = z.object({ connection_url: z.string() })
const NO_EVENTS = 'The end of a chat is in the log; there is no event for notifications.'

/** Calls of two people. */
export const privateVoiceRoutes = {
  status: declare({
    ...{ method: 'GET', path: '/users/:address/voice-chat-status', ...service, test },
    summary: 'Whether a player is in a call of two, or may still come to one.',
    differs: 'Any case of the address; one that is none is 400.',
    answers: {
      200: { description: 'Whether the player is.', body: z.object({ is_user_in_voice_chat: z.boolean() }) },
      ...noWallet,
    },
  }),
  start: declare({
    ...{ method: 'POST', path: '/private-voice-chat', ...service, test },
    summary: 'Starts a call of two people: the address and the token with which each of them enters its room.',
    differs:
      'Repeated for the same two, it gives new tokens; for others, 409. Upstream: 500. Players on the deny list, and those whose last device is banned, are refused too.',
    body: z.strictObject({
      user_addresses: z
        .tuple([walletAddress, walletAddress])
        .refine(([one, other]) => one !== other, 'must be two different wallets'),
      room_id: roomId,
    }),
    answers: {
      200: { description: 'By the address in lower case.', body: z.record(z.string(), connection) },
      ...refused,
      409: { description: 'The call is one of other people.', body: z.object({ error: z.string(), message: z.string() }) },
    },
  }),
  end: declare({
    ...{ method: 'DELETE', path: '/private-voice-chat/:id', ...service, test },
    summary: 'Ends a call for both, at the request of one of them.',
    body: z.object({ address: walletAddress }),
    answers: {
      200: { description: 'Who was in it.', body: z.object({ users_in_voice_chat: z.array(z.string()) }) },
      404: { description: 'There is no such call, or the player is not in it.' },
    },
  }),
}

const status = { active: z.boolean(), participant_count: z.int(), moderator_count: z.int() }
const message = (text: string) => ({ description: 'Done.', body: z.object({ message: z.literal(text) }) })
const member = '/community-voice-chat/:communityId/users/:userAddress'
const noMember = { 404: { description: 'The player is not in the voice chat.' } }
const NOT_THERE = 'A player who is not there is 404, where upstream answers 500.'
const aMember = { ...service, test: communityTest }

/** Voice chats of communities. What a caller may do is decided by the social service. */
export const communityVoiceRoutes = {
  userStatus: declare({
    ...{ method: 'GET', path: '/users/:userAddress/community-voice-chat-status', ...aMember },
    summary: 'Whether a player is in the voice chat of any community.',
    differs: 'Upstream says yes whenever anyone is about to join one.',
    answers: {
      200: {
        description: 'Whether the player is.',
        body: z.object({ userAddress: z.string(), isInCommunityVoiceChat: z.boolean() }),
      },
      ...noWallet,
    },
  }),
  enter: declare({
    ...{ method: 'POST', path: '/community-voice-chat', ...aMember },
    summary: 'Creates the voice chat of a community, or joins it: the address and the token with which a player enters its room.',
    differs:
      'A moderator who was speaking and comes back is a speaker again. Players on the deny list, and those whose last device is banned, are refused too.',
    body: z.strictObject({
      community_id: roomId,
      user_address: walletAddress,
      action: z.enum(['create', 'join', 'request-to-speak', 'promote-speaker', 'demote-speaker', 'kick-player']),
      user_role: z.enum(['owner', 'moderator', 'member', 'none']).optional(),
      profile_data: z
        .object({
          name: shortText.nullish(),
          has_claimed_name: z.boolean().nullish(),
          profile_picture_url: shortText.nullish(),
        })
        .nullish(),
    }),
    answers: { 200: { description: 'Where to connect.', body: connection }, ...refused },
  }),
  status: declare({
    ...{ method: 'GET', path: '/community-voice-chat/:communityId/status', ...aMember },
    summary: 'How many players and moderators are in the voice chat of a community; it is active while a moderator is.',
    differs: 'While the database does not answer: 503, not "inactive".',
    answers: { 200: { description: 'The numbers.', body: z.object(status) } },
  }),
  statuses: declare({
    ...{ method: 'POST', path: '/community-voice-chat/status', ...aMember },
    summary: 'The same for several communities, sorted by their ids.',
    differs: 'At most 1000. While the database does not answer: 503, not "inactive".',
    body: z.strictObject({ community_ids: z.array(roomId).max(1_000) }),
    answers: {
      200: {
        description: 'One entry for each id of the question.',
        body: z.object({ data: z.array(z.object({ community_id: z.string(), ...status })) }),
      },
    },
  }),
  active: declare({
    ...{ method: 'GET', path: '/community-voice-chat/active', ...aMember },
    summary: 'All voice chats in which a moderator is.',
    differs: 'Upstream also lists some in which no moderator is any more.',
    answers: {
      200: {
        description: 'The communities, and how many are in the voice chat of each.',
        body: z.object({
          data: z.array(z.object({ communityId: z.string(), participantCount: z.int(), moderatorCount: z.int() })),
          total: z.int(),
        }),
      },
    },
  }),
  requestToSpeak: declare({
    ...{ method: 'POST', path: `${member}/speak-request`, ...aMember },
    summary: 'Shows that a listener wants to speak.',
    differs: NOT_THERE,
    answers: { 200: message('Request to speak sent successfully'), ...noWallet, ...noMember },
  }),
  rejectRequest: declare({
    ...{ method: 'DELETE', path: `${member}/speak-request`, ...aMember },
    summary: 'Shows that a listener does not want to speak any more, or may not.',
    differs: NOT_THERE,
    answers: { 200: message('Speak request rejected successfully'), ...noWallet, ...noMember },
  }),
  promote: declare({
    ...{ method: 'POST', path: `${member}/speaker`, ...aMember },
    summary: 'Lets a listener speak. Whether the player is muted stays as it was.',
    differs: `${NOT_THERE} A speaker gets a microphone, and never a camera or a screen.`,
    answers: { 200: message('User promoted to speaker successfully'), ...noWallet, ...noMember },
  }),
  demote: declare({
    ...{ method: 'DELETE', path: `${member}/speaker`, ...aMember },
    summary: 'Makes a speaker a listener.',
    differs: NOT_THERE,
    answers: { 200: message('User demoted to listener successfully'), ...noWallet, ...noMember },
  }),
  mute: declare({
    ...{ method: 'PATCH', path: `${member}/mute`, ...aMember },
    summary: 'Shows whether a player is muted; the explorer of the player does the rest.',
    differs: NOT_THERE,
    body: z.strictObject({ muted: z.boolean() }),
    answers: {
      200: {
        description: 'Done.',
        body: z.object({ message: z.enum(['User muted successfully', 'User unmuted successfully']) }),
      },
      ...noWallet,
      ...noMember,
    },
  }),
  kick: declare({
    ...{ method: 'DELETE', path: member, ...aMember },
    summary: 'Removes a player from the voice chat; an old token does not let the player come back.',
    differs: `${NOT_THERE} Upstream counts one who was kicked as a member for five minutes, whom an old token lets in again.`,
    answers: { 200: message('User kicked from voice chat successfully'), ...noWallet, ...noMember },
  }),
  end: declare({
    ...{ method: 'DELETE', path: '/community-voice-chat/:communityId', ...aMember },
    summary: 'Ends the voice chat of a community for all.',
    differs: NO_EVENTS,
    body: z.object({ user_address: walletAddress }),
    answers: { 200: message('Community voice chat ended successfully') },
  }),
}
