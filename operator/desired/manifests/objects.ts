import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { partName, realmChildMeta } from '../naming.ts'
import type { CellPlan, RealmPlan } from '../plan.ts'
import type { Platform } from '../platform.ts'
import {
  archipelagoDeployment,
  archipelagoReplicas,
  connectorDeployment,
  livekitDeployment,
  serviceDeployment,
} from './deployment.ts'
import { realmIngress } from './ingress.ts'
import { migrationJob } from './job.ts'
import type { GeneratedSecret, KubeManifest } from './manifest.ts'
import { natsReplicas, natsSecret, natsStatefulSet } from './nats.ts'
import { networkPolicies } from './networkpolicy.ts'
import { archipelagoBudget, connectorBudget, serviceBudget } from './pdb.ts'
import { connectorService, livekitPorts, natsPeersService, natsPorts, realmService, slotServices } from './service.ts'
import { realmServiceAccount } from './serviceaccount.ts'

/** All objects of a realm but its generated Secrets, in the order in which they are applied; its CommsCells are among them. */
export function realmObjects(realm: Realm, plan: RealmPlan, platform: Platform): KubeManifest[] {
  const ingress = realmIngress(realm)
  const migration = migrationJob(realm, platform)
  return [
    realmServiceAccount(realm),
    ...networkPolicies(realm, platform, plan.cells),
    ...(realm.spec.nats.type === 'Managed' ? managedNats(realm, platform) : []),
    ...(realm.spec.livekit.type === 'Managed'
      ? [livekitDeployment(realm, platform), realmService(realm, 'livekit', livekitPorts)]
      : []),
    ...(migration ? [migration] : []),
    ...plan.cells,
    ...slotServices(realm, plan),
    ...plan.services.flatMap((service) => [
      serviceDeployment(realm, service, platform),
      realmService(realm, service.component),
      ...(service.replicas > 1 ? [serviceBudget(realm, service.component)] : []),
    ]),
    ...(ingress ? [ingress] : []),
  ]
}

/** All objects of a cell, in the order in which they are applied. */
export const cellObjects = (cell: CommsCell, plan: CellPlan, platform: Platform): KubeManifest[] => [
  archipelagoDeployment(cell, plan, platform),
  ...(archipelagoReplicas(cell) > 1 ? [archipelagoBudget(cell)] : []),
  connectorDeployment(cell, plan, platform),
  connectorService(cell),
  ...(plan.connectors.replicas > 1 ? [connectorBudget(cell)] : []),
]

/** The Secrets with random values that a realm needs. */
export const generatedSecrets = (realm: Realm): GeneratedSecret[] => [
  ...(realm.spec.nats.type === 'Managed' ? [natsSecret(realm)] : []),
  ...(realm.spec.livekit.type === 'Managed' ? [livekitSecret(realm)] : []),
]

const managedNats = (realm: Realm, platform: Platform): KubeManifest[] => [
  ...(natsReplicas(realm) > 1 ? [natsPeersService(realm), serviceBudget(realm, 'nats')] : []),
  natsStatefulSet(realm, platform),
  realmService(realm, 'nats', natsPorts),
]

const livekitSecret = (realm: Realm): GeneratedSecret => ({
  metadata: realmChildMeta(realm, partName(realm, 'livekit'), 'livekit'),
  keys: ['apiKey', 'apiSecret'],
  neededBy: { kind: 'Deployment', name: partName(realm, 'livekit') },
})
