import type { V1ServicePort } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { type LivekitMedia, type MediaPorts, mediaPorts } from '../livekit-media.ts'
import { isBalanced } from '../load-balancer.ts'
import { livekitMediaName, partName, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from '../naming.ts'
import type { Platform } from '../platform.ts'
import { type Deployment, GRACE_SECONDS, RECREATE } from './deployment.ts'
import type { GeneratedSecret, KubeManifest, ManifestOf } from './kube-manifest.ts'
import { realmService, type Service } from './kube-service.ts'
import { podTemplate } from './pod.ts'
import { LIVEKIT_PORT } from './realm-paths.ts'
import { resourcesOf } from './resources.ts'

/** The objects of a Managed LiveKit but its Secret. */
export function livekitObjects(realm: Realm, platform: Platform, media: LivekitMedia): KubeManifest[] {
  const ports = mediaPorts(realm)
  const pod: MediaInPod = media.state === 'Open' && ports ? { ports, addresses: media.addresses } : INSIDE_CLUSTER
  return [
    // A pod that starts without the address that it is to name to players would have to start again with it.
    ...(media.state === 'Waiting' ? [] : [livekitDeployment(realm, platform, pod)]),
    signallingService(realm, media),
    ...(ports ? [mediaService(realm, ports)] : []),
  ]
}

/** What LiveKit names to players: the ports on which it listens, and addresses in place of that of its pod. */
interface MediaInPod {
  ports: MediaPorts
  addresses: readonly string[]
}
const INSIDE_CLUSTER: MediaInPod = { ports: { udp: 7882, tcp: 7881 }, addresses: [] }

/** The Secret with the API key of a Managed LiveKit. */
export const livekitSecret = (realm: Realm): GeneratedSecret => ({
  metadata: realmChildMeta(realm, partName(realm, 'livekit'), 'livekit'),
  keys: ['apiKey', 'apiSecret'],
  neededBy: { kind: 'Deployment', name: partName(realm, 'livekit') },
  restarts: ['livekit', 'gatekeeper', 'archipelago'],
})

/** The Deployment of a Managed LiveKit: one small server, for development. */
const livekitDeployment = (realm: Realm, platform: Platform, media: MediaInPod): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: realmChildMeta(realm, partName(realm, 'livekit'), 'livekit'),
  spec: {
    replicas: 1,
    revisionHistoryLimit: 2,
    strategy: RECREATE,
    selector: { matchLabels: realmSelector(realm, 'livekit') },
    template: podTemplate(
      {
        labels: realmLabels(realm, 'livekit'),
        selector: realmSelector(realm, 'livekit'),
        pods: realm.spec.pods,
        serviceAccountName: serviceAccountName(realm.metadata.name),
        terminationGracePeriodSeconds: GRACE_SECONDS,
        container: {
          name: 'livekit',
          image: platform.livekitImage,
          imagePullPolicy: platform.imagePullPolicy,
          env: [
            ...['apiKey', 'apiSecret'].map((key) => ({
              name: key,
              valueFrom: { secretKeyRef: { name: partName(realm, 'livekit'), key } },
            })),
            { name: 'LIVEKIT_KEYS', value: '$(apiKey): $(apiSecret)' },
            { name: 'LIVEKIT_CONFIG', value: livekitConfig(realm, media) },
          ],
          ports: [
            { name: 'http', containerPort: LIVEKIT_PORT },
            ...(media.ports.tcp === undefined ? [] : [{ name: 'rtc-tcp', containerPort: media.ports.tcp }]),
            { name: 'rtc-udp', containerPort: media.ports.udp, protocol: 'UDP' },
          ],
          ...resourcesOf('livekit', realm.spec.livekit.resources),
          readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 3 },
        },
      },
      platform,
    ),
  },
})

const SIGNALLING: V1ServicePort = { name: 'http', port: LIVEKIT_PORT, targetPort: 'http' }
const MEDIA_INSIDE: V1ServicePort[] = [
  { name: 'rtc-tcp', port: 7881, targetPort: 'rtc-tcp' },
  { name: 'rtc-udp', port: 7882, targetPort: 'rtc-udp', protocol: 'UDP' },
]

/** The Service in front of a Managed LiveKit inside the cluster, to which a route may lead. */
function signallingService(realm: Realm, { state }: LivekitMedia): Service {
  const service = realmService(realm, 'livekit', [SIGNALLING, ...(state === 'InsideCluster' ? MEDIA_INSIDE : [])])
  if (!mediaPorts(realm) || isBalanced(realm)) return service
  // A load balancer of AWS asks each Service for its health, which has another path here than at the others behind the same Ingress.
  const annotations = { 'alb.ingress.kubernetes.io/healthcheck-path': '/', ...realm.spec.exposure.serviceAnnotations }
  return { ...service, metadata: { ...service.metadata, annotations } }
}

/** A Service through which players outside the cluster reach pods. */
export type OpenService = ManifestOf<
  Pick<Service['spec'], 'selector' | 'ports'> & {
    type: 'NodePort' | 'LoadBalancer'
    loadBalancerClass?: string
    loadBalancerSourceRanges?: string[]
    externalTrafficPolicy?: 'Local' | 'Cluster'
    ipFamilyPolicy?: 'PreferDualStack'
  }
>

/** The Service of the media of a Managed LiveKit. A port has one number everywhere, because LiveKit names its own to players. */
function mediaService(realm: Realm, { udp, tcp }: MediaPorts): OpenService {
  const { type = 'NodePort', annotations, addresses, loadBalancerClass } = realm.spec.livekit.service ?? {}
  const portOf = (name: string, port: number, protocol: 'TCP' | 'UDP'): V1ServicePort => ({
    ...{ name, port, targetPort: name, protocol },
    ...(type === 'NodePort' && { nodePort: port }),
  })
  const metadata = realmChildMeta(realm, livekitMediaName(realm), 'livekit')
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: annotations ? { ...metadata, annotations } : metadata,
    spec: {
      type,
      ...(loadBalancerClass && { loadBalancerClass }),
      // Otherwise a Service has the first family of the cluster only.
      ...(addresses?.ipv6 && { ipFamilyPolicy: 'PreferDualStack' }),
      selector: realmSelector(realm, 'livekit'),
      ports: [portOf('rtc-udp', udp, 'UDP'), ...(tcp === undefined ? [] : [portOf('rtc-tcp', tcp, 'TCP')])],
    },
  }
}

/**
 * The configuration of a Managed LiveKit: one UDP port for all media, no lookup of a public address, and the events of its rooms to
 * the gatekeeper, also while that is held: otherwise a gatekeeper that is held for a restore would have LiveKit restart. The kubelet puts
 * in the key. Port 0 is none. A pod that players reach inside the cluster only is reached by port-forwards too, at its loopback address,
 * where LiveKit takes media only if it names that address to clients.
 */
export const livekitConfig = (realm: Realm, { ports, addresses } = INSIDE_CLUSTER): string => `port: ${LIVEKIT_PORT}
rtc:
  tcp_port: ${ports.tcp ?? 0}
  udp_port: ${ports.udp}
  use_external_ip: false
${addresses.length > 0 ? `  node_ip: "${addresses.join(',')}"\n` : '  enable_loopback_candidate: true\n'}\
logging:
  json: true
  level: info
webhook:
  api_key: $(apiKey)
  urls: ["http://${partName(realm, 'gatekeeper')}/livekit-webhook"]
`
