import { changeLogOf, type Migration } from './migration.ts'

/** Whose bans changed, so that one change is read alone, and not all bans of the platform or of the scenes with it. */
export const changedBans: Migration = {
  version: 8,
  name: 'whose bans changed',
  statements: ['user_bans', 'scene_bans'].flatMap(changeLogOf),
}
