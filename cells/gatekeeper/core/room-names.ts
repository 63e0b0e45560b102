import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import { sceneRoom } from './scene-access.ts'

/** What a room is for, read from its name (gatekeeper.md §3). */
export type RoomUse =
  | { kind: 'scene'; realmName: string; sceneId: string }
  | { kind: 'world'; world: string; sceneId: string }
  | { kind: 'island' }
  /** Of a world that the gatekeeper serves, or of one of its scenes; `name` is that of its Realm. */
  | { kind: 'hosted-world'; name: string }
  | { kind: 'community-voice'; communityId: string }
  | { kind: 'private-voice'; callId: string }
  | { kind: 'private-messages' }

/** Beginnings of the names of the rooms that belong to one gatekeeper. */
export interface RoomPrefixes {
  scene: string
  world: string
  /** Of the rooms of islands of the realm's cells. */
  island: string
  communityVoice: string
  privateVoice: string
  /** The whole name of the room of private messages. */
  privateMessages: string
}

/** A scene, in the realm of which its players are. */
export interface SceneInRealm {
  /** Name of the world; undefined for a scene of the map. */
  world: string | undefined
  realmName: string | undefined
  sceneId: string
}

/**
 * The room of a scene (gatekeeper.md §3); undefined for one of the map of a realm that has no name. Those of worlds are in lower case,
 * because the content servers of worlds, which give players their tokens, write them so.
 */
export function roomOfScene(
  { scene, world: worldPrefix }: Pick<RoomPrefixes, 'scene' | 'world'>,
  { world, realmName, sceneId }: SceneInRealm,
): string | undefined {
  if (world !== undefined) return worldPrefix + `${world}-${sceneId}`.toLowerCase()
  return realmName === undefined ? undefined : sceneRoom(scene, realmName, sceneId)
}

/** Settings of a gatekeeper that say how its rooms are called. */
export interface RoomSettings {
  SCENE_ROOM_PREFIX: string
  WORLD_ROOM_PREFIX?: string
  ISLAND_ROOM_PREFIX?: string
  VOICE_ROOM_PREFIX?: string
  PRIVATE_MESSAGES_ROOM_ID?: string
}

/** The names of upstream, where the settings name no other ones. */
export const DEFAULT_ROOMS = {
  ...{ SCENE_ROOM_PREFIX: 'scene-', WORLD_ROOM_PREFIX: 'world-scene-room-', ISLAND_ROOM_PREFIX: 'island-' },
  ...{ VOICE_ROOM_PREFIX: 'voice-chat-', PRIVATE_MESSAGES_ROOM_ID: 'private-messages' },
}

/** How the rooms of a gatekeeper are called. */
export function roomPrefixesOf(settings: RoomSettings): RoomPrefixes {
  const names = { ...DEFAULT_ROOMS, ...settings }
  return {
    ...{ scene: names.SCENE_ROOM_PREFIX, world: names.WORLD_ROOM_PREFIX, island: names.ISLAND_ROOM_PREFIX },
    communityVoice: `${names.VOICE_ROOM_PREFIX}community-`,
    privateVoice: `${names.VOICE_ROOM_PREFIX}private-`,
    privateMessages: names.PRIVATE_MESSAGES_ROOM_ID,
  }
}

/** Undefined for a room of others on the same LiveKit, which is left alone. */
export function useOf(room: string, prefixes: RoomPrefixes): RoomUse | undefined {
  const { scene, world, island, communityVoice, privateVoice, privateMessages } = prefixes
  if (room.startsWith(scene)) {
    const [realmName = '', ...sceneId] = room.slice(scene.length).split(':')
    return { kind: 'scene', realmName, sceneId: sceneId.join(':') }
  }
  if (room.startsWith(world)) {
    // Ids of scenes have no dash, and names of worlds may have some.
    const [, name = '', sceneId = ''] = /^(.*)-([^-]*)$/.exec(room.slice(world.length)) ?? []
    return { kind: 'world', world: name, sceneId }
  }
  if (room.startsWith(island)) return { kind: 'island' }
  if (room.startsWith(communityVoice)) return { kind: 'community-voice', communityId: room.slice(communityVoice.length) }
  if (room.startsWith(privateVoice)) return { kind: 'private-voice', callId: room.slice(privateVoice.length) }
  if (room === privateMessages) return { kind: 'private-messages' }
  return undefined
}

const ADDRESS_CHARACTERS = 42

/** The wallet of a participant. Servers, streamers and anonymous watchers have none in their identity. */
export const walletOf = (identity: string): PeerId | undefined => parsePeerId(identity.slice(0, ADDRESS_CHARACTERS))
