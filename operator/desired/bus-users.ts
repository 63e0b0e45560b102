import { cellScope, subjects } from '../../cells/wire/subjects.ts'
import { type Realm, realmScope } from '../../crds/realm.ts'

/** A user of a Managed NATS, and the key of its password: one per slot, one per service. */
export type BusUser = `cell_${number}` | 'gatekeeper' | 'stats'

/** The subjects a user may publish and subscribe to, as patterns; undefined = none. */
export interface BusPermissions {
  user: BusUser
  publish: string | undefined
  subscribe: string | undefined
}

/** The most slots a realm can have. All get a user from the start, so that the users of a NATS never change during the life of its realm. */
const MAX_SLOTS = 32

/** The user of the cell at a slot. */
export const cellUser = (slot: number): BusUser => `cell_${slot}`

/** All users of a realm's bus. Each cell has only its own subjects, so that a compromised cell cannot send to another. */
export function busUsers({ metadata }: Realm): BusPermissions[] {
  const scope = realmScope(metadata)
  return [
    ...Array.from({ length: MAX_SLOTS }, (_, slot) => {
      const ofCell = `${cellScope(scope, slot)}.>`
      return { user: cellUser(slot), publish: ofCell, subscribe: ofCell }
    }),
    // A gatekeeper publishes nothing but admissions to the cells' own rooms.
    { user: 'gatekeeper', publish: `${scope}.*.rooms.*.admission`, subscribe: undefined },
    // The statistics tell who is on which parcel, and nothing that a service here listens to.
    { user: 'stats', publish: subjects(scope).parcelChanges, subscribe: `${scope}.>` },
  ]
}
