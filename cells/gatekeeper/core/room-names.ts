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
}

/** A scene, in the realm of which its players are. */
export interface SceneInRealm {
  /** Name of the world; undefined for a scene of the map. */
  world: string | undefined
  realmName: string | undefined
  sceneId: string
}

/** The room of a scene (gatekeeper.md §3); undefined for one of the map of a realm that has no name. */
export function roomOfScene(
  { scene, world: worldPrefix }: Pick<RoomPrefixes, 'scene' | 'world'>,
  { world, realmName, sceneId }: SceneInRealm,
): string | undefined {
  if (world !== undefined) return worldPrefix + `${world}-${sceneId}`.toLowerCase()
  return realmName === undefined ? undefined : sceneRoom(scene, realmName, sceneId)
}

export const COMMUNITY_VOICE_PREFIX = 'voice-chat-community-'
export const PRIVATE_VOICE_PREFIX = 'voice-chat-private-'
export const PRIVATE_MESSAGES_ROOM = 'private-messages'

/** Undefined for a room of others on the same LiveKit, which is left alone. */
export function useOf(room: string, { scene, world, island }: RoomPrefixes): RoomUse | undefined {
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
  if (room.startsWith(COMMUNITY_VOICE_PREFIX))
    return { kind: 'community-voice', communityId: room.slice(COMMUNITY_VOICE_PREFIX.length) }
  if (room.startsWith(PRIVATE_VOICE_PREFIX)) return { kind: 'private-voice', callId: room.slice(PRIVATE_VOICE_PREFIX.length) }
  if (room === PRIVATE_MESSAGES_ROOM) return { kind: 'private-messages' }
  return undefined
}

const ADDRESS_CHARACTERS = 42

/** The wallet of a participant. Servers, streamers and anonymous watchers have none in their identity. */
export const walletOf = (identity: string): PeerId | undefined => parsePeerId(identity.slice(0, ADDRESS_CHARACTERS))
