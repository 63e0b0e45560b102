import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { hasManagedNats, isGuest, isWorldRealm } from '../../../crds/world.ts'
import type { Component, WorkloadImage } from '../../observed/workload.ts'
import { isBalanced } from '../load-balancer.ts'
import { realmChildMeta, serviceAccountName } from '../naming.ts'
import type { CellPlan, RealmPlan } from '../plan.ts'
import { imageFor, type Platform, withImage } from '../platform.ts'
import { isCompact } from '../topology.ts'
import { databaseClaim } from './database-claim.ts'
import { archipelagoDeployment, archipelagoReplicas, connectorDeployment, serviceDeployment } from './deployment.ts'
import { archipelagoBudget, connectorBudget, serviceBudget } from './disruption-budget.ts'
import { gatekeeperHttpRoute, realmHttpRoutes } from './http-route.ts'
import { gatekeeperIngress, realmIngress } from './ingress.ts'
import type { GeneratedSecret, KubeManifest } from './kube-manifest.ts'
import { connectorService, routedService, slotServices, statsService } from './kube-service.ts'
import { livekitObjects, livekitSecret } from './managed-livekit.ts'
import { natsObjects, natsSecret } from './managed-nats.ts'
import { migrationJob } from './migration-job.ts'
import { networkPolicies } from './networkpolicy.ts'
import { proxyObjects } from './realm-proxy.ts'
import { fingerprinted, madeWith } from './service-changes.ts'
import { worldsConfigMap } from './worlds.ts'

/**
 * All objects of a realm but its generated Secrets, in the order in which they are applied; its CommsCells are among them. A world that uses
 * the gatekeeper of another realm has none.
 */
export function realmObjects(realm: Realm, plan: RealmPlan, platform: Platform): KubeManifest[] {
  if (isGuest(realm)) return []
  const made = (component: Component, build: (platform: Platform) => readonly (KubeManifest | undefined)[]) =>
    madeFor(component, realm.spec.version, plan.images.get(component), platform, build).map(fingerprinted)
  return [
    realmServiceAccount(realm),
    ...networkPolicies(realm, platform, plan.cells),
    ...(hasManagedNats(realm) ? made('nats', (chosen) => natsObjects(realm, chosen)) : []),
    ...(realm.spec.livekit.type === 'Managed' ? made('livekit', (chosen) => livekitObjects(realm, chosen, plan.media)) : []),
    ...made('migration', (chosen) => [migrationJob(realm, chosen)]),
    ...plan.cells,
    ...(isWorldRealm(realm) ? [] : slotServices(realm, plan)),
    ...claims(realm),
    ...plan.services.flatMap(({ hosting }) => (hosting ? [worldsConfigMap(realm, hosting)] : [])),
    ...plan.services.flatMap((service) => [
      ...made(service.component, (chosen) => [serviceDeployment(realm, service, chosen)]),
      ...(service.component === 'stats' ? [] : [routedService(realm, service.component)]),
      ...(service.replicas > 1 ? [serviceBudget(realm, service.component)] : []),
    ]),
    ...(plan.statistics ? [statsService(realm, plan.statistics)] : []),
    ...(isBalanced(realm) ? made('proxy', (chosen) => proxyObjects(realm, plan, chosen)) : []),
    ...routeObjects(realm, plan),
  ]
}

/** The Ingresses or the HTTPRoutes of a realm, without those at an address that another realm has. */
export function routeObjects(realm: Realm, { isExposed, gatekeeperHosts, retainedRoutes }: RealmPlan): KubeManifest[] {
  if (isBalanced(realm)) return []
  const ingress = realmIngress(realm, retainedRoutes)
  const gatekeeperRoute = realm.spec.exposure.type === 'Gateway' ? gatekeeperHttpRoute : gatekeeperIngress
  return [
    ...(isExposed ? [...(ingress ? [ingress] : []), ...realmHttpRoutes(realm, retainedRoutes)] : []),
    ...(gatekeeperHosts.length > 0 ? [gatekeeperRoute(realm, gatekeeperHosts)] : []),
  ]
}

/** Before the gatekeeper that mounts it. */
const claims = (realm: Realm): KubeManifest[] => {
  const claim = databaseClaim(realm)
  return claim ? [claim] : []
}

/** All objects of a cell, in the order in which they are applied. */
export function cellObjects(cell: CommsCell, plan: CellPlan, platform: Platform): KubeManifest[] {
  const made = (component: 'connector' | 'archipelago', image: WorkloadImage | undefined) =>
    madeFor(component, cell.spec.version, [image], platform, (chosen) => [
      component === 'connector' ? connectorDeployment(cell, plan, chosen) : archipelagoDeployment(cell, plan, chosen),
    ])
  const archipelago = [
    ...made('archipelago', plan.archipelago.image),
    ...(archipelagoReplicas(cell) > 1 ? [archipelagoBudget(cell)] : []),
  ]
  return [
    ...(isCompact(cell.spec) ? [] : archipelago),
    ...made('connector', plan.connectors.image),
    connectorService(cell),
    ...(plan.connectors.replicas > 1 ? [connectorBudget(cell)] : []),
  ]
}

/** The objects of a component, its workload with the image it is to have and a record of that. */
function madeFor(
  component: Component,
  version: string,
  known: readonly (WorkloadImage | undefined)[] = [],
  platform: Platform,
  build: (platform: Platform) => readonly (KubeManifest | undefined)[],
): KubeManifest[] {
  const image = imageFor(platform, component, version, known)
  return build(withImage(platform, component, image)).flatMap((manifest) => (manifest ? [madeWith(manifest, image)] : []))
}

/** The Secrets with random values that a realm needs. */
export const generatedSecrets = (realm: Realm): GeneratedSecret[] => [
  ...(hasManagedNats(realm) ? [natsSecret(realm)] : []),
  ...(realm.spec.livekit.type === 'Managed' ? [livekitSecret(realm)] : []),
]

/** The ServiceAccount of all pods of a realm: no token, no rights. */
const realmServiceAccount = (realm: Realm): KubeManifest & { automountServiceAccountToken: boolean } => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: realmChildMeta(realm, serviceAccountName(realm.metadata.name), 'account'),
  automountServiceAccountToken: false,
})
