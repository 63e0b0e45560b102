import type { V1ServicePort, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { proxyName, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from '../naming.ts'
import type { RealmPlan } from '../plan.ts'
import type { Platform } from '../platform.ts'
import { type Deployment, GRACE_SECONDS, SURGE } from './deployment.ts'
import { serviceBudget } from './disruption-budget.ts'
import type { KubeManifest } from './kube-manifest.ts'
import type { OpenService } from './managed-livekit.ts'
import { podTemplate } from './pod.ts'
import { certificateFolder, PROXY_PORTS, proxyConfig, proxyTls } from './proxy-config.ts'
import { PROXY_FOLDER, PROXY_PROGRAM } from './proxy-program.ts'
import { resourcesOf } from './resources.ts'
import type { ConfigMap } from './worlds.ts'

/** One pod may be replaced, or lost, while the other one serves. */
const REPLICAS = 2
/** How long a stopping pod takes new connections: by then, load balancers have asked a node without a ready pod for its health a few times. */
const SETTLE_SECONDS = 30

/** The objects of a realm that is exposed by a load balancer of its own: a proxy that reads paths, and the Service in front of it. */
export function proxyObjects(
  realm: Realm,
  { gatekeeperHosts }: Pick<RealmPlan, 'gatekeeperHosts'>,
  platform: Platform,
): KubeManifest[] {
  return [
    proxyConfigMap(realm, platform, gatekeeperHosts),
    proxyDeployment(realm, platform, gatekeeperHosts),
    ...(replicasOf(realm) > 1 ? [serviceBudget(realm, 'proxy')] : []),
    balancedService(realm, gatekeeperHosts),
  ]
}

const replicasOf = ({ spec }: Realm): number => spec.exposure.loadBalancer?.replicas ?? REPLICAS

/** No pod restarts for another configuration: nginx reads it again, and sockets stay. */
const proxyConfigMap = (realm: Realm, { clusterDomain }: Platform, gatekeeperHosts: readonly string[]): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: realmChildMeta(realm, proxyName(realm), 'proxy'),
  data: { 'nginx.conf': proxyConfig(realm, clusterDomain, gatekeeperHosts), 'run.sh': PROXY_PROGRAM },
})

function proxyDeployment(realm: Realm, platform: Platform, gatekeeperHosts: readonly string[]): Deployment {
  const { drainSeconds } = realm.spec.cells.template.connectors
  const certificates = certificatesOf(realm, gatekeeperHosts)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: realmChildMeta(realm, proxyName(realm), 'proxy'),
    spec: {
      replicas: replicasOf(realm),
      revisionHistoryLimit: 2,
      strategy: SURGE,
      selector: { matchLabels: realmSelector(realm, 'proxy') },
      template: podTemplate(
        {
          labels: realmLabels(realm, 'proxy'),
          selector: realmSelector(realm, 'proxy'),
          pods: realm.spec.pods,
          apart: true,
          serviceAccountName: serviceAccountName(realm.metadata.name),
          terminationGracePeriodSeconds: SETTLE_SECONDS + drainSeconds + GRACE_SECONDS,
          volumes: [{ name: 'config', configMap: { name: proxyName(realm) } }, ...certificates.map(({ volume }) => volume)],
          container: {
            name: 'proxy',
            image: platform.proxyImage,
            imagePullPolicy: platform.imagePullPolicy,
            command: ['/bin/sh', `${PROXY_FOLDER}/run.sh`],
            env: [
              { name: 'SETTLE_SECONDS', value: String(SETTLE_SECONDS) },
              { name: 'DRAIN_SECONDS', value: String(drainSeconds) },
            ],
            ports: [
              { name: 'http', containerPort: PROXY_PORTS.http },
              ...(hasTlsPort(realm, gatekeeperHosts) ? [{ name: 'https', containerPort: PROXY_PORTS.https }] : []),
              { name: 'ready', containerPort: PROXY_PORTS.ready },
            ],
            ...resourcesOf('proxy', realm.spec.exposure.loadBalancer?.resources),
            volumeMounts: [
              { name: 'config', mountPath: PROXY_FOLDER, readOnly: true },
              ...certificates.map(({ mount }) => mount),
            ],
            readinessProbe: { httpGet: { path: '/ready', port: 'ready' }, periodSeconds: 1, failureThreshold: 3 },
          },
        },
        platform,
      ),
    },
  }
}

function hasTlsPort(realm: Realm, gatekeeperHosts: readonly string[]): boolean {
  const tls = proxyTls(realm)
  return tls.realm !== undefined || (gatekeeperHosts.length > 0 && tls.gatekeeperHosts !== undefined)
}

/** The Secrets with certificates. The kubelet mounts them, and the operator reads none. */
function certificatesOf(realm: Realm, gatekeeperHosts: readonly string[]): { volume: V1Volume; mount: V1VolumeMount }[] {
  const tls = proxyTls(realm)
  const used = [tls.realm, ...(gatekeeperHosts.length > 0 ? [tls.gatekeeperHosts] : [])]
  const secrets = new Set(used.flatMap((each) => (typeof each === 'object' ? [each.secret] : [])))
  return [...secrets].map((secretName, index) => ({
    volume: {
      name: `certificate-${index}`,
      secret: { secretName, defaultMode: 0o440, items: ['tls.crt', 'tls.key'].map((key) => ({ key, path: key })) },
    },
    mount: { name: `certificate-${index}`, mountPath: certificateFolder(secretName), readOnly: true },
  }))
}

/** A Classic Load Balancer of AWS ends connections after a minute without data otherwise; a silent player is pinged later. */
const DEFAULT_ANNOTATIONS = { 'service.beta.kubernetes.io/aws-load-balancer-connection-idle-timeout': '4000' }

/** The Service by which players reach the realm. */
function balancedService(realm: Realm, gatekeeperHosts: readonly string[]): OpenService {
  const { serviceAnnotations, loadBalancer = {} } = realm.spec.exposure
  const { loadBalancerClass, sourceRanges, externalTrafficPolicy = 'Local' } = loadBalancer
  const portOf = (name: string, port: number): V1ServicePort => ({ name, port, targetPort: name, protocol: 'TCP' })
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...realmChildMeta(realm, proxyName(realm), 'proxy'),
      annotations: { ...DEFAULT_ANNOTATIONS, ...serviceAnnotations },
    },
    spec: {
      type: 'LoadBalancer',
      ...(loadBalancerClass && { loadBalancerClass }),
      ...(sourceRanges && { loadBalancerSourceRanges: sourceRanges }),
      externalTrafficPolicy,
      selector: realmSelector(realm, 'proxy'),
      ports: [portOf('http', 80), ...(hasTlsPort(realm, gatekeeperHosts) ? [portOf('https', 443)] : [])],
    },
  }
}
