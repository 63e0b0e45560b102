import { type HotScene, MAX_HOT_SCENES } from '../../wire/hot-scene.ts'

/** A scene that has players in it, summed over all realms (comms.md §3.3). */
export interface MergedHotScene extends Omit<HotScene, 'projectId' | 'creator' | 'description'> {
  realms: { serverName: string; usersCount: number }[]
}

/** Most realms that are listed with one scene; the sum covers all of them. */
const MAX_REALMS_OF_SCENE = 100

/** Sums up the scenes of realms by scene, most crowded first. */
export function mergeHotScenes(realms: Iterable<{ realmName: string; scenes: readonly HotScene[] }>): MergedHotScene[] {
  const merged = new Map<string, MergedHotScene>()
  for (const { realmName: serverName, scenes } of realms) {
    for (const { id, name, baseCoords, usersTotalCount, parcels, thumbnail } of scenes) {
      const known = merged.get(id)
      if (known) {
        known.usersTotalCount += usersTotalCount
        if (known.realms.length < MAX_REALMS_OF_SCENE) known.realms.push({ serverName, usersCount: usersTotalCount })
        continue
      }
      merged.set(id, {
        id,
        ...(name !== undefined && { name }),
        baseCoords,
        usersTotalCount,
        realms: [{ serverName, usersCount: usersTotalCount }],
        parcels,
        ...(thumbnail !== undefined && { thumbnail }),
      })
    }
  }
  return [...merged.values()].sort((a, b) => b.usersTotalCount - a.usersTotalCount).slice(0, MAX_HOT_SCENES)
}
