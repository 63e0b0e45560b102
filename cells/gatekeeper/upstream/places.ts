import { z } from 'zod'
import type { JsonService } from './json-service.ts'
import type { Worlds } from './worlds.ts'

/** A scene as administrators and bans are kept for it, by `id`. */
export interface ScenePlace {
  id: string
  /** The name of the world, in lower case; undefined for a scene of the map. */
  world: string | undefined
  base: string
  positions: readonly string[]
  /** The deployed scene. */
  sceneId: string
  /** As a places service shows it. */
  title?: string | undefined
}

/** Where a scene is: the claims of a client, which `Places` checks with the content servers. */
export interface SceneLocation {
  world: string | undefined
  sceneId: string | undefined
  parcel: string | undefined
}

const entities = z.array(
  z.object({
    id: z.string(),
    pointers: z.array(z.string()),
    metadata: z.object({ scene: z.object({ base: z.string(), parcels: z.array(z.string()) }) }),
  }),
)
const places = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      positions: z.array(z.string()),
      base_position: z.string(),
      world_name: z.string().nullish(),
      title: z.string().nullish(),
    }),
  ),
})

/**
 * Finds the place of a scene. Bans and administrators follow the deployed scene and never a parcel that a client names beside it:
 * a client could name the parcel of another scene. Without a places service, a place is named by the base parcel of its scene.
 */
export class Places {
  readonly #places: JsonService
  readonly #content: JsonService
  readonly #worlds: Worlds

  constructor({ places, content, worlds }: { places: JsonService; content: JsonService; worlds: Worlds }) {
    this.#places = places
    this.#content = content
    this.#worlds = worlds
  }

  /** Undefined where no such scene is deployed. @throws Refusal UNAVAILABLE while that cannot be found out */
  async placeOf(location: SceneLocation): Promise<ScenePlace | undefined> {
    const scene = await this.sceneOf(location)
    if (!scene) return undefined
    const { base, sceneId, positions, world } = scene
    if (!this.#places.isConfigured) return { ...scene, id: world === undefined ? `parcel:${base}` : `world:${world}:${base}` }
    const names = world === undefined ? '' : `&names=${encodeURIComponent(world)}`
    const path = `places?positions=${encodeURIComponent(base)}${names}&include_opted_out=true`
    const found = (await this.#places.ask(path, places))?.data ?? []
    const place = found.find(({ world_name: name }) => (name?.toLowerCase() || undefined) === world)
    return place && { id: place.id, world, base, positions, sceneId, title: place.title ?? undefined }
  }

  /** Whether such a scene is deployed. @throws Refusal UNAVAILABLE while that cannot be found out */
  async isDeployed(location: SceneLocation): Promise<boolean> {
    return (await this.sceneOf(location)) !== undefined
  }

  /** The scene that is deployed there, without the place it is kept by. @throws Refusal UNAVAILABLE while that cannot be found out */
  sceneOf(location: SceneLocation): Promise<Omit<ScenePlace, 'id'> | undefined> {
    return location.world === undefined ? this.#sceneOfMap(location) : this.#sceneOfWorld(location.world, location)
  }

  async #sceneOfMap({ sceneId, parcel }: SceneLocation): Promise<Omit<ScenePlace, 'id'> | undefined> {
    // Some clients send the ids of scenes in lower case.
    const at =
      parcel === undefined ? undefined : (await this.#content.ask('entities/active', entities, { pointers: [parcel] }))?.[0]
    const isNamed = at && (sceneId === undefined || at.id.toLowerCase() === sceneId.toLowerCase())
    const byId =
      !isNamed && sceneId !== undefined
        ? (await this.#content.ask('entities/active', entities, { ids: [sceneId] }))?.[0]
        : undefined
    const entity = isNamed ? at : byId
    if (!entity) return undefined
    const { base, parcels } = entity.metadata.scene
    return { world: undefined, base, positions: parcels, sceneId: entity.id }
  }

  async #sceneOfWorld(world: string, { sceneId, parcel }: SceneLocation): Promise<Omit<ScenePlace, 'id'> | undefined> {
    // A room tells the scene, and no parcel.
    const byId =
      parcel === undefined && sceneId !== undefined && sceneId.toLowerCase() !== world
        ? await this.#worlds.sceneById(world, sceneId)
        : undefined
    const scene = byId ?? (await this.#worlds.sceneAt(world, parcel ?? '0,0'))
    if (!scene?.base) return undefined
    // Clients name the world itself in place of its only scene.
    const isNamed =
      sceneId === undefined || sceneId.toLowerCase() === scene.entityId.toLowerCase() || sceneId.toLowerCase() === world
    return isNamed ? { world, base: scene.base, positions: scene.parcels, sceneId: scene.entityId } : undefined
  }
}
