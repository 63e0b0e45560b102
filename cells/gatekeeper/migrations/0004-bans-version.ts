import { changeCounterOf, type Migration } from './migration.ts'

/** A number that grows with every change of the bans: each replica looks at it twice a second. */
export const bansVersion: Migration = {
  version: 4,
  name: 'version of the bans',
  statements: changeCounterOf('user_bans'),
}
