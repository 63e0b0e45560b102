import type { RefusalCode } from '../../chassis/errors.ts'
import { parcelOf } from './scene-location.ts'
import { type Metadata, spelledAs } from './signed-request.ts'

/** The request of a player in the signed metadata (gatekeeper.md §2.5, extractor A): signed by the player, but not verified. */
export interface SceneClaim {
  realmName: string
  sceneId: string | undefined
  /** Where the player stands, `x,y`. */
  parcel?: string | undefined
  /** Identifier that the explorer gives its device, in lower case because a legacy signature covers no case; bans may name it. */
  deviceId: string | undefined
}

/** A refusal of a token: `outcome` is its label in the metrics, `message` is for the player. */
export interface Denial {
  outcome: 'unsigned' | 'banned' | 'scene_banned' | 'denied' | 'invalid' | 'world_unknown' | 'world_closed'
  code: RefusalCode
  message: string
}

/** The limit of LiveKit. */
export const MAX_ROOM_CHARACTERS = 256
// Anything but plain text is ignored: PostgreSQL cannot store NUL, and a failed look-up would let a banned player in.
const DEVICE_ID = /^[\x20-\x7e]{1,256}$/
/** The signer of what scene code asks its player to sign (ADR-289). */
export const SCENE_CODE_SIGNER = 'decentraland-kernel-scene'

/** Who a signed request says built it, in lower case because a legacy signature covers no case; '' where it does not say. */
export const signerOf = ({ signer }: Metadata): string => (typeof signer === 'string' ? signer.toLowerCase() : '')

/** Scene code signs requests too, and must never get a token for a room; a missing signer is valid (gatekeeper.md §11.1-Q2). */
export const objectionToSceneCode = (metadata: Metadata): string | undefined =>
  signerOf(metadata) === SCENE_CODE_SIGNER ? 'scene code may not join rooms' : undefined

/** A device as bans name it; undefined for what no explorer sends. */
export const deviceIdOf = (device: unknown): string | undefined =>
  typeof device === 'string' && DEVICE_ID.test(device) ? device.toLowerCase() : undefined

/** Reads the signed metadata. Only the name of the realm is required. `spelled` is the metadata as the client wrote it. */
export function readSceneClaim(
  { realmName, sceneId, parcel, deviceIdentifier }: Metadata,
  spelled: Metadata,
): SceneClaim | Denial {
  if (typeof realmName !== 'string' || realmName === '')
    return {
      outcome: 'unsigned',
      code: 'UNAUTHORIZED',
      message: 'Access denied, invalid signed-fetch request, no realmName',
    }
  return {
    realmName: spelledAs(realmName, spelled.realmName),
    sceneId: typeof sceneId === 'string' && sceneId !== '' ? spelledAs(sceneId, spelled.sceneId) : undefined,
    parcel: parcelOf(parcel),
    deviceId: deviceIdOf(deviceIdentifier),
  }
}

/**
 * The room a player may enter, or why the player may not: steps 3 to 8 of gatekeeper.md §4.1.
 *
 * This deployment has no content server for worlds, so it refuses in case of doubt. The name of a world in place of a scene is
 * not resolved (400, as upstream where the look-up fails). A scene of a world stays closed: its owner may have restricted access,
 * and rooms of the same name may exist on the same LiveKit. The answer is 401 instead of an outage, because explorers take 401
 * for a final "not here" and go on without the scene room, while any other error keeps them from starting (§1.4).
 */
export function decideScene(
  { realmName, sceneId }: SceneClaim,
  { banned, denied }: { banned: boolean; denied: boolean },
  roomPrefix: string,
): { room: string } | Denial {
  if (banned) return { outcome: 'banned', code: 'FORBIDDEN', message: 'Access denied, platform-banned user' }
  if (denied) return { outcome: 'denied', code: 'UNAUTHORIZED', message: 'Access denied, deny-listed wallet' }
  if (sceneId === undefined)
    return { outcome: 'invalid', code: 'INVALID', message: 'Access denied, invalid signed-fetch request, no sceneId' }
  if (isWorld(realmName))
    return isWorld(sceneId)
      ? { outcome: 'world_unknown', code: 'INVALID', message: `Failed to resolve scene ID for world ${realmName}` }
      : {
          outcome: 'world_closed',
          code: 'UNAUTHORIZED',
          message: 'Access denied, you are not authorized to access this world',
        }
  const room = sceneRoom(roomPrefix, realmName, sceneId)
  if (room.length <= MAX_ROOM_CHARACTERS) return { room }
  return {
    outcome: 'invalid',
    code: 'INVALID',
    message: `Access denied, the room name exceeds ${MAX_ROOM_CHARACTERS} characters`,
  }
}

/** The room of a scene (gatekeeper.md §3). Ids that begin with `Qm`, and those of previews, differ from others by their case alone. */
export const sceneRoom = (prefix: string, realmName: string, sceneId: string): string => `${prefix}${realmName}:${sceneId}`

/** Worlds are named by ENS; in worlds with one scene, clients send that name as the scene too. */
export const isWorld = (name: string): boolean => name.toLowerCase().endsWith('.eth')
