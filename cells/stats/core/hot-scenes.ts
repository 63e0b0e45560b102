import type { ParcelJson } from './views.ts'

/** A scene with people in it (comms.md §8.1). */
export interface HotScene {
  id: string
  name?: string
  baseCoords: [number, number]
  usersTotalCount: number
  parcels: [number, number][]
  thumbnail?: string
  projectId?: string
  creator?: string
  description?: string
}

/** Scenes listed at most (comms.md §8.1). */
export const MAX_HOT_SCENES = 100
/** Pointers asked for at most, the most crowded first, so that scattered peers do not make a question of any length. */
export const MAX_POINTERS = 2_000
/** No map reaches further; positions are the players' own word. */
const FARTHEST_PARCEL = 100_000

/** The pointers (`x,y`) whose scenes may be hot. */
export const hotPointers = (parcels: readonly ParcelJson[]): string[] =>
  parcels
    .filter(({ parcel: { x, y } }) => Math.abs(x) <= FARTHEST_PARCEL && Math.abs(y) <= FARTHEST_PARCEL)
    .sort((a, b) => b.peersCount - a.peersCount)
    .slice(0, MAX_POINTERS)
    .map(({ parcel: { x, y } }) => `${x},${y}`)

/**
 * The scenes people stand in, most crowded first. Entities come from a content server and may be anything: whatever is not a scene
 * with a base and parcels is left out.
 *
 * @param contentUrl base of the content server, without a trailing slash
 */
export function hotScenes(parcels: readonly ParcelJson[], entities: unknown, contentUrl: string): HotScene[] {
  const counts = new Map(parcels.map(({ parcel: { x, y }, peersCount }) => [`${x},${y}`, peersCount]))
  const scenes = new Map<string, HotScene>()
  for (const entity of Array.isArray(entities) ? entities : []) {
    const scene = sceneOf(entity, counts, contentUrl)
    if (scene) scenes.set(scene.id, scene)
  }
  return [...scenes.values()].sort((a, b) => b.usersTotalCount - a.usersTotalCount).slice(0, MAX_HOT_SCENES)
}

function sceneOf(entity: unknown, counts: ReadonlyMap<string, number>, contentUrl: string): HotScene | undefined {
  const id = textOf(field(entity, 'id'))
  const metadata = field(entity, 'metadata')
  const base = coordsOf(field(metadata, 'scene', 'base'))
  const listed = field(metadata, 'scene', 'parcels')
  if (!id || !base || !Array.isArray(listed)) return undefined
  const parcels = [...new Set(listed.flatMap((parcel) => coordsOf(parcel)?.join() ?? []))]
  return definedOnly({
    id,
    name: textOf(field(metadata, 'display', 'title')),
    baseCoords: base,
    usersTotalCount: parcels.reduce((sum, parcel) => sum + (counts.get(parcel) ?? 0), 0),
    parcels: parcels.flatMap((parcel) => [coordsOf(parcel) ?? base]),
    thumbnail: thumbnailOf(entity, contentUrl),
    projectId: textOf(field(metadata, 'source', 'projectId')),
    creator: textOf(field(metadata, 'contact', 'name')),
    description: textOf(field(metadata, 'display', 'description')),
  })
}

/** An absolute address passes; a file of the scene becomes its address at the content server, or nothing when the scene has no such file. */
function thumbnailOf(entity: unknown, contentUrl: string): string | undefined {
  const given = textOf(field(entity, 'metadata', 'display', 'navmapThumbnail'))
  if (!given || /^https?:\/\//.test(given)) return given
  const files = field(entity, 'content')
  const file = Array.isArray(files) ? files.find((candidate) => field(candidate, 'file') === given) : undefined
  const hash = textOf(field(file, 'hash'))
  return hash && `${contentUrl}/contents/${hash}`
}

function coordsOf(value: unknown): [number, number] | undefined {
  const match = typeof value === 'string' ? /^(-?\d{1,6}),(-?\d{1,6})$/.exec(value) : null
  return match ? [Number(match[1]), Number(match[2])] : undefined
}

function field(value: unknown, ...path: string[]): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The scene without the fields nothing is known of, so that they are absent instead of undefined. */
const definedOnly = (scene: { [Key in keyof HotScene]: HotScene[Key] | undefined }): HotScene =>
  Object.fromEntries(Object.entries(scene).filter(([, value]) => value !== undefined)) as unknown as HotScene
