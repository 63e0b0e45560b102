import type { V1ServicePort } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { partName, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from '../naming.ts'
import type { Platform } from '../platform.ts'
import { type Deployment, GRACE_SECONDS, RECREATE } from './deployment.ts'
import type { GeneratedSecret, KubeManifest } from './kube-manifest.ts'
import { realmService } from './kube-service.ts'
import { podTemplate } from './pod.ts'
import { resourcesOf } from './resources.ts'

/** The objects of a Managed LiveKit but its Secret. */
export const livekitObjects = (realm: Realm, platform: Platform): KubeManifest[] => [
  livekitDeployment(realm, platform),
  realmService(realm, 'livekit', PORTS),
]

/** The Secret with the API key of a Managed LiveKit. */
export const livekitSecret = (realm: Realm): GeneratedSecret => ({
  metadata: realmChildMeta(realm, partName(realm, 'livekit'), 'livekit'),
  keys: ['apiKey', 'apiSecret'],
  neededBy: { kind: 'Deployment', name: partName(realm, 'livekit') },
  restarts: ['livekit', 'gatekeeper', 'archipelago'],
})

/** The Deployment of a Managed LiveKit: one small server, for development. */
const livekitDeployment = (realm: Realm, platform: Platform): Deployment => ({
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
            { name: 'LIVEKIT_CONFIG', value: livekitConfig(realm) },
          ],
          ports: [
            { name: 'http', containerPort: 7880 },
            { name: 'rtc-tcp', containerPort: 7881 },
            { name: 'rtc-udp', containerPort: 7882, protocol: 'UDP' },
          ],
          ...resourcesOf('livekit', realm.spec.livekit.resources),
          readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 3 },
        },
      },
      platform,
    ),
  },
})

const PORTS: V1ServicePort[] = [
  { name: 'http', port: 7880, targetPort: 'http' },
  { name: 'rtc-tcp', port: 7881, targetPort: 'rtc-tcp' },
  { name: 'rtc-udp', port: 7882, targetPort: 'rtc-udp', protocol: 'UDP' },
]

/**
 * The configuration of a Managed LiveKit: one UDP port for all media, no lookup of a public address, and the events of its rooms to
 * the gatekeeper. The kubelet puts in the key.
 */
export const livekitConfig = (realm: Realm): string => `port: 7880
rtc:
  tcp_port: 7881
  udp_port: 7882
  use_external_ip: false
logging:
  json: true
  level: info
${webhookConfig(realm)}`

const webhookConfig = (realm: Realm): string =>
  realm.spec.gatekeeper.replicas === 0
    ? ''
    : `webhook:
  api_key: $(apiKey)
  urls: ["http://${partName(realm, 'gatekeeper')}/livekit-webhook"]
`
