import { Refusal } from '../../chassis/errors.ts'
import type { DenyList } from '../../identity/deny-list.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Storage } from '../adapters/storage.ts'
import type { BanList } from '../ban-list.ts'
import type { SceneBanList } from '../scenes/scene-ban-list.ts'
import type { StreamRecords } from '../streams/stream-records.ts'
import type { Places } from '../upstream/places.ts'
import type { WorldList } from '../worlds/world-list.ts'
import type { RoomVisit } from './room-guard.ts'

/** Everything that decides who may not be in a room. */
export interface Exclusions {
  bans: Pick<BanList, 'against' | 'hasDevices'>
  denyList: Pick<DenyList, 'has'>
  storage: Pick<Storage, 'connectionOf'>
  sceneBans: Pick<SceneBanList, 'placesOf'>
  places: Pick<Places, 'placeOf'>
  hosted: Pick<WorldList, 'mayStay'>
  streams: Pick<StreamRecords, 'opens'>
}

/**
 * Whether a participant may not be in a room: banned from the platform or from the scene, on the deny list, not let into the world, or
 * streaming with a key that ended.
 */
export async function mustLeave({ room, wallet, keyId, use }: RoomVisit, exclusions: Exclusions): Promise<boolean> {
  if (keyId !== undefined) return isKeyOver(room, keyId, exclusions)
  if (wallet === undefined) return false
  if (await isShutOut(wallet, exclusions)) return true
  if (use.kind === 'hosted-world') return !exclusions.hosted.mayStay(use.name, wallet)
  const from = exclusions.sceneBans.placesOf(wallet)
  if (from.size === 0 || (use.kind !== 'scene' && use.kind !== 'world')) return false
  const world = use.kind === 'world' ? use.world : undefined
  try {
    const place = await exclusions.places.placeOf({ world, sceneId: use.sceneId, parcel: undefined })
    return place !== undefined && from.has(place.id)
  } catch (error) {
    // The next look at the rooms tries again.
    if (error instanceof Refusal) return false
    throw error
  }
}

async function isKeyOver(room: string, keyId: string, { streams }: Exclusions): Promise<boolean> {
  try {
    return !(await streams.opens(room, keyId))
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

/** Whether a player may be in no room at all: banned, also by the device used last, or on the deny list. */
export async function isShutOut(
  address: PeerId,
  { bans, denyList, storage }: Pick<Exclusions, 'bans' | 'denyList' | 'storage'>,
): Promise<boolean> {
  if (denyList.has(address) || bans.against({ address })) return true
  const deviceId = bans.hasDevices ? (await storage.connectionOf(address))?.deviceId : undefined
  return bans.against({ address, deviceId }) !== undefined
}
