import { type Metadata, spelledAs } from './signed-request.ts'

/** Where a signed request says it comes from (gatekeeper.md §2.5, extractor B); nothing of it is verified. */
export interface ClaimedScene {
  /** Name of the world in lower case; undefined for a scene of the map. */
  world: string | undefined
  sceneId: string | undefined
  /** `x,y`. */
  parcel: string | undefined
  /** Name of the realm as the client has it. */
  realmName: string | undefined
}

/** What explorers call the realm of a scene that its creator runs on the own machine. */
export const isPreviewRealm = (realmName: string | undefined): boolean => /^(local)?preview$/i.test(realmName ?? '')

const PARCEL = /^(-?\d{1,4}) *, *(-?\d{1,4})$/
const MAX_CHARACTERS = 256

/** Undefined where the metadata has no realm. `spelled` is the metadata as the client wrote it. */
export function claimedSceneOf({ realm, sceneId, parcel }: Metadata, spelled: Metadata): ClaimedScene | undefined {
  if (typeof realm !== 'object' || realm === null) return undefined
  const { serverName, hostname } = realm as { serverName?: unknown; hostname?: unknown }
  const name = textOf(serverName)
  // A worlds content server under a name of its own is recognised by the name of the world.
  const isWorld =
    name !== undefined && (name.toLowerCase().endsWith('.eth') || /worlds-content-server/i.test(String(hostname ?? '')))
  const scene = textOf(sceneId)
  return {
    world: isWorld ? name.toLowerCase() : undefined,
    sceneId: scene && spelledAs(scene, spelled.sceneId),
    parcel: parcelOf(parcel),
    realmName: name && spelledAs(name, (spelled.realm as { serverName?: unknown } | undefined | null)?.serverName),
  }
}

/** `x,y` without blanks and leading zeros; undefined for anything else. */
export function parcelOf(text: unknown): string | undefined {
  const [, x, y] = typeof text === 'string' ? (PARCEL.exec(text.trim()) ?? []) : []
  return x === undefined || y === undefined ? undefined : `${Number(x)},${Number(y)}`
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= MAX_CHARACTERS ? value : undefined
