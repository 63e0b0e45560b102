import { Refusal } from '../../chassis/errors.ts'
import type { SignedCaller } from '../api/declaration.ts'
import { type RoomPrefixes, roomOfScene } from '../core/room-names.ts'
import { type ClaimedScene, claimedSceneOf } from '../core/scene-location.ts'
import type { Places, ScenePlace } from '../upstream/places.ts'
import type { SceneAuthority } from './scene-records.ts'
import type { SceneRights } from './scene-rights.ts'

/** What finds a scene and its administrators. */
export interface SceneAdministrationOptions {
  places: Pick<Places, 'placeOf'>
  rights: Pick<SceneRights, 'authorityOf'>
  prefixes: Pick<RoomPrefixes, 'scene' | 'world'>
}

/** The scene that a signed request is about. */
export interface SignedScene {
  place: ScenePlace
  claimed: ClaimedScene
  /** Where its players are; undefined where the client did not name its realm. */
  room: string | undefined
}

/** A scene, and by which right the caller administers it. */
export interface AdministeredScene extends SignedScene {
  authority: SceneAuthority
}

/** Finds the scene of a signed request, and whether its signer administers it. */
export class SceneAdministration {
  readonly #options: SceneAdministrationOptions

  constructor(options: SceneAdministrationOptions) {
    this.#options = options
  }

  /** @throws Refusal UNAUTHORIZED without a realm, NOT_FOUND where no such scene is deployed, UNAVAILABLE */
  async sceneOf(caller: Pick<SignedCaller, 'metadata' | 'spelled'>): Promise<SignedScene> {
    const claimed = claimIn(caller)
    const { world, parcel } = claimed
    const place = await this.#options.places.placeOf(claimed)
    if (place) return { place, claimed, room: roomOfScene(this.#options.prefixes, { ...place, realmName: claimed.realmName }) }
    throw new Refusal(
      'NOT_FOUND',
      world === undefined
        ? `No place found with parcel ${parcel}`
        : `No world scene place found for world ${world} at position ${parcel}`,
    )
  }

  /** @throws `refusal` where the signer does not administer the scene, and as `sceneOf` */
  async administered(caller: SignedCaller, refusal: Refusal): Promise<AdministeredScene> {
    const scene = await this.sceneOf(caller)
    const authority = await this.#options.rights.authorityOf(caller.wallet, scene.place)
    if (!authority) throw refusal
    return { ...scene, authority }
  }
}

/** The scene that signed metadata names. @throws Refusal UNAUTHORIZED without a realm */
export function claimIn({ metadata, spelled }: Pick<SignedCaller, 'metadata' | 'spelled'>): ClaimedScene {
  const claimed = claimedSceneOf(metadata, spelled)
  if (!claimed) throw new Refusal('UNAUTHORIZED', 'Access denied, invalid signed-fetch request, no realm')
  return claimed
}
