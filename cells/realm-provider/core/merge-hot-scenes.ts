/** A scene with people in it, over all realms (comms.md §3.3). */
export interface MergedHotScene {
  id: string
  name?: string
  baseCoords: [number, number]
  usersTotalCount: number
  realms: { serverName: string; usersCount: number }[]
  parcels: [number, number][]
  thumbnail?: string
}

/** A scene with people in it, as the statistics of one realm tell it. */
export type RealmScene = Omit<MergedHotScene, 'realms'>

/** Scenes listed at most. */
export const MAX_HOT_SCENES = 100

/** Adds up what the realms tell, scene by scene, most crowded first. */
export function mergeHotScenes(realms: Iterable<{ realmName: string; scenes: readonly RealmScene[] }>): MergedHotScene[] {
  const merged = new Map<string, MergedHotScene>()
  for (const { realmName: serverName, scenes } of realms) {
    for (const { id, name, baseCoords, usersTotalCount, parcels, thumbnail } of scenes) {
      const known = merged.get(id)
      if (known) {
        known.usersTotalCount += usersTotalCount
        known.realms.push({ serverName, usersCount: usersTotalCount })
        continue
      }
      const title = name === undefined ? {} : { name }
      const realms = [{ serverName, usersCount: usersTotalCount }]
      merged.set(id, {
        id,
        ...title,
        baseCoords,
        usersTotalCount,
        realms,
        parcels,
        ...(thumbnail !== undefined && { thumbnail }),
      })
    }
  }
  return [...merged.values()].sort((a, b) => b.usersTotalCount - a.usersTotalCount).slice(0, MAX_HOT_SCENES)
}

/** The scenes in an answer of a realm's statistics; what is none is left out. */
export const readHotScenes = (body: unknown): RealmScene[] =>
  (Array.isArray(body) ? body : []).slice(0, MAX_HOT_SCENES).flatMap((scene: unknown) => {
    const { id, name, baseCoords, usersTotalCount, parcels, thumbnail } = (scene ?? {}) as Record<string, unknown>
    if (typeof id !== 'string' || !isPair(baseCoords) || !isCount(usersTotalCount) || !Array.isArray(parcels)) return []
    const optional = { ...(typeof name === 'string' && { name }), ...(typeof thumbnail === 'string' && { thumbnail }) }
    return [{ id, ...optional, baseCoords, usersTotalCount, parcels: parcels.filter(isPair) }]
  })

/** Whether a value counts people. */
export const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite)
