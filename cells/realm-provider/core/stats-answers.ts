import { type HotScene, MAX_HOT_SCENES } from '../../wire/hot-scene.ts'

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
    if (isCount(slot) && isCount(players) && healthy === true) bySlot.set(slot, players)
  }
  return { total: userCount, bySlot }
}

/** Reads the body of `/hot-scenes` of stats; invalid scenes are left out, and fields that the realm provider does not show. */
export const readHotScenes = (body: unknown): HotScene[] =>
  (Array.isArray(body) ? body : []).slice(0, MAX_HOT_SCENES).flatMap((scene: unknown) => {
    const { id, name, baseCoords, usersTotalCount, parcels, thumbnail } = (scene ?? {}) as Record<string, unknown>
    if (typeof id !== 'string' || !isPair(baseCoords) || !isCount(usersTotalCount) || !Array.isArray(parcels)) return []
    const optional = { ...(typeof name === 'string' && { name }), ...(typeof thumbnail === 'string' && { thumbnail }) }
    return [{ id, ...optional, baseCoords, usersTotalCount, parcels: parcels.filter(isPair) }]
  })

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite)
