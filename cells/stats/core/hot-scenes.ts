import { type HotScene, MAX_HOT_SCENES } from '../../wire/hot-scene.ts'
import type { ParcelJson } from './response-json.ts'

/** Most pointers in one request, the most crowded first, so that scattered peers do not make it grow without limit. */
export const MAX_POINTERS = 2_000
/** Parcels farther from the origin are on no map; clients can send any position. */
const FARTHEST_PARCEL = 100_000

/** The pointers (`x,y`) whose scenes may be hot. */
export const hotPointers = (parcels: readonly ParcelJson[]): string[] =>
  parcels
    .filter(({ parcel: { x, y } }) => Math.abs(x) <= FARTHEST_PARCEL && Math.abs(y) <= FARTHEST_PARCEL)
    .sort((a, b) => b.peersCount - a.peersCount)
    .slice(0, MAX_POINTERS)
    .map(({ parcel: { x, y } }) => `${x},${y}`)

/**
 * The scenes that have players in them, most crowded first. Entities come from a content server and are not trusted: those that
 * are not a scene with a base and parcels are left out.
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

/**
 * An absolute URL is kept; the name of a file of the scene becomes its URL at the content server, or undefined when there is no
 * such file.
 */
function thumbnailOf(entity: unknown, contentUrl: string): string | undefined {
  const thumbnail = textOf(field(entity, 'metadata', 'display', 'navmapThumbnail'))
  if (!thumbnail || /^https?:\/\//.test(thumbnail)) return thumbnail
  const files = field(entity, 'content')
  const file = Array.isArray(files) ? files.find((candidate) => field(candidate, 'file') === thumbnail) : undefined
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

/** The scene without its undefined fields. */
const definedOnly = (scene: { [Key in keyof HotScene]: HotScene[Key] | undefined }): HotScene =>
  Object.fromEntries(Object.entries(scene).filter(([, value]) => value !== undefined)) as unknown as HotScene
