import { Refusal } from '../../chassis/errors.ts'
import { type RoomPrefixes, roomOfScene } from '../core/room-names.ts'
import { isWorld, MAX_ROOM_CHARACTERS } from '../core/scene-access.ts'
import type { ClaimedScene } from '../core/scene-location.ts'
import type { Worlds } from '../upstream/worlds.ts'

/** The room of the scene that a client names. @throws Refusal INVALID, UNAUTHORIZED without a name of a realm, UNAVAILABLE */
export async function claimedRoom(
  { worlds, prefixes }: { worlds: Pick<Worlds, 'sceneAt'>; prefixes: Pick<RoomPrefixes, 'scene' | 'world'> },
  { world, realmName, parcel, sceneId }: ClaimedScene,
): Promise<string> {
  if (sceneId === undefined) throw new Refusal('INVALID', 'Access denied, invalid signed-fetch request, no sceneId')
  // Clients name the world itself in place of its only scene.
  const named = world !== undefined && isWorld(sceneId) ? (await worlds.sceneAt(world, parcel ?? '0,0'))?.entityId : sceneId
  if (named === undefined) throw new Refusal('INVALID', `Failed to resolve scene ID for world ${world}`)
  const room = roomOfScene(prefixes, { world, realmName, sceneId: named })
  if (room === undefined) throw new Refusal('UNAUTHORIZED', 'Access denied, invalid signed-fetch request, no realmName')
  if (room.length > MAX_ROOM_CHARACTERS)
    throw new Refusal('INVALID', `Access denied, the room name exceeds ${MAX_ROOM_CHARACTERS} characters`)
  return room
}
