import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest } from '../../../crds/world.ts'
import { databaseClaimName } from '../naming.ts'
import type { ConditionDraft } from './conditions.ts'

/** Whether bans and what is recorded for moderators outlive the pod of the gatekeeper. It is reported, and changes nothing the operator does. */
export function dataCondition(realm: Realm): ConditionDraft<RealmReasons> {
  const type = 'DataDurable'
  const yes = (reason: RealmReasons['DataDurable'], message: string) => ({ type, status: 'True', reason, message }) as const
  const { replicas, database } = realm.spec.gatekeeper
  const claimName = database.storage ? databaseClaimName(realm) : database.claimName
  if (isGuest(realm))
    return yes('NoGatekeeper', `bans are kept by the Realm ${gatekeeperRealmOf(realm)}: see this condition there`)
  if (database.type === 'External')
    return yes('ExternalDatabase', 'the gatekeeper keeps its data in a PostgreSQL server of yours')
  if (claimName) return yes('OnVolume', `the gatekeeper keeps its data in the PersistentVolumeClaim ${claimName}`)
  if (replicas === 0) return yes('NoGatekeeper', 'the realm has no gatekeeper, and so no data')
  return {
    type,
    status: 'False',
    reason: 'EndsWithPod',
    message:
      'bans and what is recorded for moderators are lost with each pod of the gatekeeper, also in an upgrade: set ' +
      'spec.gatekeeper.database.storage, or use an External database',
  }
}
