import { cellScope } from '../../cells/wire/subjects.ts'
import { type Realm, realmScope } from '../../crds/realm.ts'

/** A user of a Managed NATS, and the key of its password: one per slot, one per service. */
export type BusUser = `cell_${number}` | 'gatekeeper' | 'stats'

/** What a user may say and hear: patterns of subjects; none = nothing. */
export interface BusRights {
  user: BusUser
  publish: string | undefined
  subscribe: string | undefined
}

/** As many slots as a realm can ever have, so that the users of a NATS stay the same for as long as the realm lives. */
const MAX_SLOTS = 32

/** The user of the cell at a slot. */
export const cellUser = (slot: number): BusUser => `cell_${slot}`

/** Everybody on the bus of a realm. A cell hears itself alone, so that one that was broken into cannot speak to another. */
export function busUsers({ metadata }: Realm): BusRights[] {
  const scope = realmScope(metadata)
  return [
    ...Array.from({ length: MAX_SLOTS }, (_, slot) => {
      const ofCell = `${cellScope(scope, slot)}.>`
      return { user: cellUser(slot), publish: ofCell, subscribe: ofCell }
    }),
    // Admissions to the cells' own rooms are all a gatekeeper has to say.
    { user: 'gatekeeper', publish: `${scope}.*.rooms.*.admission`, subscribe: undefined },
    { user: 'stats', publish: undefined, subscribe: `${scope}.>` },
  ]
}
