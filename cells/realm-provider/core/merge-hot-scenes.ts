import { type HotScene, MAX_HOT_SCENES } from '../../wire/hot-scene.ts'

/** A scene that has players in it, summed over all realms (comms.md §3.3). */
export interface MergedHotScene extends HotScene {
  realms: { serverName: string; usersCount: number }[]
}

/** Texts of a scene, which not every realm knows: its content server may not have answered. */
const TEXTS = ['name', 'thumbnail', 'projectId', 'creator', 'description'] as const

/** Most realms that are listed with one scene; the sum covers all of them. */
const MAX_REALMS_OF_SCENE = 100

/** Sums up the scenes of realms by scene, most crowded first. */
export function mergeHotScenes(realms: Iterable<{ realmName: string; scenes: readonly HotScene[] }>): MergedHotScene[] {
  const merged = new Map<string, MergedHotScene>()
  for (const { realmName: serverName, scenes } of realms) {
    for (const scene of scenes) {
      const { id, name, baseCoords, usersTotalCount, parcels, ...texts } = scene
      const known = merged.get(id)
      if (known) {
        known.usersTotalCount += usersTotalCount
        for (const text of TEXTS) if (known[text] === undefined && scene[text] !== undefined) known[text] = scene[text]
        const sameName = known.realms.find((realm) => realm.serverName === serverName)
        // Realms of several clusters may share a name.
        if (sameName) sameName.usersCount += usersTotalCount
        else if (known.realms.length < MAX_REALMS_OF_SCENE) known.realms.push({ serverName, usersCount: usersTotalCount })
        continue
      }
      merged.set(id, {
        id,
        ...(name !== undefined && { name }),
        baseCoords,
        usersTotalCount,
        realms: [{ serverName, usersCount: usersTotalCount }],
        parcels,
        ...texts,
      })
    }
  }
  return [...merged.values()].sort((a, b) => b.usersTotalCount - a.usersTotalCount).slice(0, MAX_HOT_SCENES)
}
