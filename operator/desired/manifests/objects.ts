import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { realmChildMeta, serviceAccountName } from '../naming.ts'
import type { CellPlan, RealmPlan } from '../plan.ts'
import type { Platform } from '../platform.ts'
import { archipelagoDeployment, archipelagoReplicas, connectorDeployment, serviceDeployment } from './deployment.ts'
import { archipelagoBudget, connectorBudget, serviceBudget } from './disruption-budget.ts'
import { realmIngress } from './ingress.ts'
import type { GeneratedSecret, KubeManifest } from './kube-manifest.ts'
import { connectorService, realmService, slotServices } from './kube-service.ts'
import { livekitObjects, livekitSecret } from './managed-livekit.ts'
import { natsObjects, natsSecret } from './managed-nats.ts'
import { migrationJob } from './migration-job.ts'
import { networkPolicies } from './networkpolicy.ts'

/** All objects of a realm but its generated Secrets, in the order in which they are applied; its CommsCells are among them. */
export function realmObjects(realm: Realm, plan: RealmPlan, platform: Platform): KubeManifest[] {
  const ingress = plan.isExposed ? realmIngress(realm) : undefined
  const migration = migrationJob(realm, platform)
  return [
    realmServiceAccount(realm),
    ...networkPolicies(realm, platform, plan.cells),
    ...(realm.spec.nats.type === 'Managed' ? natsObjects(realm, platform) : []),
    ...(realm.spec.livekit.type === 'Managed' ? livekitObjects(realm, platform) : []),
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

/** The ServiceAccount of all pods of a realm: no token, no rights. */
const realmServiceAccount = (realm: Realm): KubeManifest & { automountServiceAccountToken: boolean } => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: realmChildMeta(realm, serviceAccountName(realm.metadata.name), 'account'),
  automountServiceAccountToken: false,
})
