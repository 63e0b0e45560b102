import { z } from 'zod'

const PREFIX = /^[A-Za-z0-9_.:-]+$/
/** Milliseconds, five minutes by default. */
const ttl = z.coerce.number().int().min(1_000).max(86_400_000).default(300_000)

/** Who has the rooms, and how a player and this process reach them. */
export const roomServerVariables = {
  LIVEKIT_HOST: z.string().optional().describe('WebSocket URL of LiveKit as players reach it.'),
  LIVEKIT_API_KEY: z.string().optional().describe('API key of LiveKit.'),
  LIVEKIT_API_SECRET: z.string().optional().describe('API secret of LiveKit; signs the tokens of rooms.'),
  LIVEKIT_API_URL: z
    .url({ protocol: /^(https?|wss?)$/ })
    .optional()
    .describe('URL of LiveKit as this process reaches it, where that is another one than LIVEKIT_HOST.'),
  ROOMS_URL: z
    .url({ protocol: /^wss?$/ })
    .optional()
    .describe('Base URL of the embedded rooms as players reach them; admissions go over the bus. Instead of LiveKit.'),
  ROOMS_SERVER: z
    .enum(['Cell', 'Self'])
    .default('Cell')
    .describe(
      'Who has the embedded rooms: `Cell` the archipelago of a cell, which is on the bus, `Self` this process, for a world.',
    ),
}

/** How rooms are called. */
export const roomNameVariables = {
  SCENE_ROOM_PREFIX: z.string().regex(PREFIX).default('scene-').describe('Beginning of the names of all rooms of scenes.'),
  WORLD_ROOM_PREFIX: z
    .string()
    .regex(PREFIX)
    .default('world-scene-room-')
    .describe('Beginning of the names of rooms of worlds on the same LiveKit: this gatekeeper mints no token for them.'),

  COMMS_ROOM_PREFIX: z
    .string()
    .regex(PREFIX)
    .default('world-')
    .describe('Beginning of the names of the rooms that a whole world has, on the same LiveKit.'),
  ISLAND_ROOM_PREFIX: z
    .string()
    .regex(PREFIX)
    .default('island-')
    .describe('Beginning of the names of the rooms of all islands of the realm: banned players are removed from them.'),

  VOICE_ROOM_PREFIX: z
    .string()
    .regex(PREFIX)
    .max(128)
    .default('voice-chat-')
    .describe(
      'Beginning of the names of the rooms of voice chats. Rooms of that name without a voice chat are closed: no other service may use it on the same LiveKit.',
    ),
  PRIVATE_MESSAGES_ROOM_ID: z
    .string()
    .regex(PREFIX)
    .max(256)
    .default('private-messages')
    .describe('Name of the room of private messages, which every player of the realm is in.'),
}

/** How long members of voice chats are waited for. */
export const voiceVariables = {
  VOICE_CHAT_INITIAL_CONNECTION_TTL: ttl.describe(
    'Milliseconds within which a member of a voice chat has to join it; until then the member counts as one who is there.',
  ),
  VOICE_CHAT_CONNECTION_INTERRUPTED_TTL: ttl.describe(
    'Milliseconds within which a member of a voice chat whose connection was interrupted has to come back.',
  ),
  COMMUNITY_VOICE_CHAT_NO_MODERATOR_TTL: ttl.describe(
    'Milliseconds after which the voice chat of a community ends when no moderator is in it.',
  ),
}
