import { Refusal } from '../../chassis/errors.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Storage } from '../adapters/storage.ts'
import type { SignedCaller } from '../api/declaration.ts'
import type { BanList } from '../ban-list.ts'
import type { RoomPrefixes } from '../core/room-names.ts'
import { deviceIdOf } from '../core/scene-access.ts'
import { isPreviewRealm } from '../core/scene-location.ts'
import { claimedRoom } from '../scenes/claimed-room.ts'
import { claimIn, type SceneAdministration } from '../scenes/scene-administration.ts'
import type { Worlds } from '../upstream/worlds.ts'
import type { StreamTarget } from './stream-keys.ts'

/** What finds the scene that a caller streams to, and the right to it. */
export interface StreamTargetsOptions {
  bans: Pick<BanList, 'known' | 'against' | 'hasDevices'>
  storage: Pick<Storage, 'connectionOf'>
  administration: SceneAdministration
  worlds: Pick<Worlds, 'sceneAt'>
  prefixes: Pick<RoomPrefixes, 'scene' | 'world'>
  allowsPreview: boolean
}

const NO_SCENE = 'Access denied, invalid signed-fetch request, no sceneId'

/** The scene of a signed request, for one who may stream to it. @throws `refusal`, and as `SceneAdministration.sceneOf` */
export async function targetOf(
  options: StreamTargetsOptions,
  caller: SignedCaller,
  refusal: Refusal,
  noScene = NO_SCENE,
): Promise<StreamTarget> {
  const claimed = claimIn(caller)
  if (claimed.sceneId === undefined) throw new Refusal('INVALID', noScene)
  if (options.allowsPreview && isPreviewRealm(claimed.realmName)) {
    const room = await claimedRoom(options, claimed)
    return { actor: caller.wallet, authority: undefined, placeId: room, place: undefined, room }
  }
  const { place, room, authority } = await options.administration.administered(caller, refusal)
  if (room === undefined) throw new Refusal('UNAUTHORIZED', 'Access denied, invalid signed-fetch request, no realmName')
  return { actor: caller.wallet, authority, placeId: place.id, place, room }
}

/** @throws Refusal FORBIDDEN where the wallet, or the device it uses or used last, is banned; UNAVAILABLE */
export async function demandUnbanned(
  { bans, storage }: Pick<StreamTargetsOptions, 'bans' | 'storage'>,
  { wallet, metadata }: Pick<SignedCaller, 'wallet' | 'metadata'>,
): Promise<void> {
  if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
  const deviceId = deviceIdOf(metadata.deviceIdentifier) ?? (await lastDeviceOf({ bans, storage }, wallet))
  if (bans.against({ address: wallet, deviceId })) throw new Refusal('FORBIDDEN', 'Access denied, platform-banned user')
}

const lastDeviceOf = async ({ bans, storage }: Pick<StreamTargetsOptions, 'bans' | 'storage'>, wallet: PeerId) =>
  bans.hasDevices ? (await storage.connectionOf(wallet))?.deviceId : undefined
