import type { HotScene } from '../../wire/hot-scene.ts'

/** The highest slot that a Realm can have. */
const MAX_SLOT = 31

/** The players of a realm, and of each of its slots where that is known. */
export interface PlayerCount {
  total: number
  bySlot?: ReadonlyMap<number, number>
}

/** Reads the bodies of `/core-status` and `/cells` of stats; undefined when the first is not valid. */
export function readPlayerCount(coreStatus: unknown, cells: unknown): PlayerCount | undefined {
  const { userCount } = (coreStatus ?? {}) as Record<string, unknown>
  if (!isCount(userCount)) return undefined
  const listed = (cells as { cells?: unknown } | undefined)?.cells
  if (!Array.isArray(listed)) return { total: userCount }
  const bySlot = new Map<number, number>()
  for (const cell of listed as readonly unknown[]) {
    const { slot, healthy, userCount: players } = (cell ?? {}) as Record<string, unknown>
    // The last count of a silent cell is out of date, and must not decide where players are sent.
    if (isCount(slot) && slot <= MAX_SLOT && isCount(players) && healthy === true) bySlot.set(slot, players)
  }
  return { total: userCount, bySlot }
}

/** Most scenes that are kept of one realm, and most parcels of a scene. */
export const MAX_REALM_SCENES = 64
const MAX_PARCELS = 64
const MAX_TEXT_LENGTH = 512
const TEXTS = ['name', 'thumbnail', 'projectId', 'creator', 'description'] as const

/**
 * Reads the body of `/hot-scenes` of stats, at most `limit` scenes; invalid scenes are left out, and fields that the realm
 * provider does not show. What a realm answers is kept in memory, so it is bounded in every direction.
 */
export const readHotScenes = (body: unknown, limit = MAX_REALM_SCENES): HotScene[] =>
  (Array.isArray(body) ? body : []).slice(0, Math.min(limit, MAX_REALM_SCENES)).flatMap((scene: unknown) => {
    const { id, baseCoords, usersTotalCount, parcels, ...others } = (scene ?? {}) as Record<string, unknown>
    if (!isText(id) || !isPair(baseCoords) || !isCount(usersTotalCount) || !Array.isArray(parcels)) return []
    const texts = TEXTS.flatMap((field) => (isText(others[field]) ? [[field, others[field]]] : []))
    const optional = Object.fromEntries(texts) as Partial<HotScene>
    return [{ id, ...optional, baseCoords, usersTotalCount, parcels: parcels.slice(0, MAX_PARCELS).filter(isPair) }]
  })

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT_LENGTH

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite)
