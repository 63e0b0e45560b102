import { Listeners } from '../../cells/chassis/listeners.ts'
import type { ObjectKey } from '../../crds/object.ts'
import type { PublicationStatus } from '../observed/publication-status.ts'
import type { RealmObserver } from './observer.ts'
import type { CountedPlayers } from './players/player-counts.ts'

/** An observer whose results the test decides; `notify` calls its listeners. */
export function aRealmObserver<Result>(get: (realm: ObjectKey) => Result) {
  const listeners = new Listeners<ObjectKey>()
  const observer: RealmObserver<Result> = {
    watch: () => {},
    get,
    forget: () => {},
    onChange: (listener) => listeners.add(listener),
  }
  return { ...observer, notify: (realm: ObjectKey) => listeners.notify(realm) }
}

/** A realm provider that serves every realm as published. */
export const alwaysServing: RealmObserver<PublicationStatus> = aRealmObserver(({ name }) => ({
  state: 'serving',
  aboutUrl: `http://realm-provider/${name}/about`,
}))

/** Player counts without a peak; the test decides the players by slot. */
export const aPlayerCounter = (bySlot: () => ReadonlyMap<number, number>) =>
  aRealmObserver<CountedPlayers>(() => ({ bySlot: bySlot(), isUnknown: false, peak: undefined }))
