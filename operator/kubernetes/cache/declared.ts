import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { liveStatusFingerprint } from '../fingerprint.ts'
import { type Child, childOf } from './child.ts'

/** What the cache keeps of a Realm or a CommsCell: all of it, because the plan is made from it. */
export interface Declared<T extends Realm | CommsCell> {
  uid: string
  resourceVersion: string
  object: T
  /** Of the status the operator applied, with its current values. */
  statusFingerprint: string
}

/** Reduces a live Realm to what the cache keeps. */
export const declaredRealm = (live: KubeObject): Declared<Realm> => ({
  uid: live.metadata.uid ?? '',
  resourceVersion: live.metadata.resourceVersion ?? '',
  object: live as unknown as Realm,
  statusFingerprint: liveStatusFingerprint(live),
})

/** Reduces a live CommsCell: it is both a child of its Realm and the declaration of what runs in it. */
export const declaredCell = (live: KubeObject): Child & Declared<CommsCell> => ({
  ...childOf('CommsCell', live),
  object: live as unknown as CommsCell,
  statusFingerprint: liveStatusFingerprint(live),
})
