import { Refusal } from '../../chassis/errors.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Places, SceneLocation } from '../upstream/places.ts'
import type { SceneBanList } from './scene-ban-list.ts'

/**
 * Whether a wallet is banned from the scene whose room it asks for. Only a wallet with a scene ban anywhere costs a look-up. For
 * such a wallet a scene that the content server does not know counts as one it is banned from: it may have been deployed a moment ago.
 */
export class SceneGate {
  readonly #bans: Pick<SceneBanList, 'known' | 'placesOf'>
  readonly #places: Pick<Places, 'placeOf' | 'isDeployed'>

  constructor(bans: Pick<SceneBanList, 'known' | 'placesOf'>, places: Pick<Places, 'placeOf' | 'isDeployed'>) {
    this.#bans = bans
    this.#places = places
  }

  /** @throws Refusal UNAVAILABLE when it cannot be found out now */
  async isBanned(wallet: PeerId, location: SceneLocation): Promise<boolean> {
    if (!this.#bans.known) throw new Refusal('UNAVAILABLE', 'The scene bans have not been read yet')
    const from = this.#bans.placesOf(wallet)
    if (from.size === 0) return false
    try {
      if (!(await this.#places.isDeployed(location))) return true
      const place = await this.#places.placeOf(location)
      return place !== undefined && from.has(place.id)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw new Refusal('UNAVAILABLE', 'Scene-ban verification is temporarily unavailable', { cause: error })
    }
  }
}
