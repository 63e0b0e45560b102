import type { V1EnvVar, V1PodTemplateSpec, V1ServicePort, V1StatefulSetSpec } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { busUsers } from '../bus-users.ts'
import {
  natsPeersName,
  natsSecretName,
  partName,
  realmChildMeta,
  realmLabels,
  realmSelector,
  serviceAccountName,
} from '../naming.ts'
import type { Platform } from '../platform.ts'
import { serviceBudget } from './disruption-budget.ts'
import type { GeneratedSecret, KubeManifest, ManifestOf } from './kube-manifest.ts'
import { realmService, type Service } from './kube-service.ts'
import { podTemplate } from './pod.ts'
import { resourcesOf } from './resources.ts'

/** The annotation of a NATS pod that holds its configuration file: a change replaces the pods, and no ConfigMap has to be watched. */
const CONFIG_ANNOTATION = 'comms.decentraland.org/nats.conf'
/** The user by which NATS servers connect to each other. */
const PEER = 'cluster'
const PID_FILE = '/tmp/nats.pid'
/** The time over which a stopping server disconnects its clients one by one; NATS accepts no less. */
const LAME_DUCK_SECONDS = 30

/** The objects of a Managed NATS but its Secret. */
export const natsObjects = (realm: Realm, platform: Platform): KubeManifest[] => [
  ...(natsReplicas(realm) > 1 ? [natsPeersService(realm), serviceBudget(realm, 'nats')] : []),
  natsStatefulSet(realm, platform),
  realmService(realm, 'nats', PORTS),
]

const PORTS: V1ServicePort[] = [{ name: 'nats', port: 4222, targetPort: 'nats' }]

/** A headless Service: DNS names for its pods, without an address of its own. */
type HeadlessService = ManifestOf<Service['spec'] & { clusterIP: 'None'; publishNotReadyAddresses: boolean }>

/** The Service by which the servers of a Managed NATS find each other: each has its own DNS name, ready or not. */
const natsPeersService = (realm: Realm): HeadlessService => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: realmChildMeta(realm, natsPeersName(realm.metadata.name), 'nats'),
  spec: {
    type: 'ClusterIP',
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: realmSelector(realm, 'nats'),
    ports: [{ name: 'peers', port: 6222, targetPort: 'peers' }],
  },
})

/** The number of servers of a Managed NATS. */
export const natsReplicas = ({ spec }: Realm): number => spec.nats.replicas ?? 1

/** The Secret with the passwords of a Managed NATS. */
export const natsSecret = (realm: Realm): GeneratedSecret => ({
  metadata: realmChildMeta(realm, natsSecretName(realm.metadata.name), 'nats'),
  keys: [...busUsers(realm).map(({ user }) => user), PEER],
  neededBy: { kind: 'StatefulSet', name: partName(realm, 'nats') },
  // The services read their passwords at every login.
  restarts: ['nats'],
})

/** The configuration of a Managed NATS. Names with a dollar sign are environment variables, so that the operator never handles a password. */
export function natsConfig(realm: Realm): string {
  const lines = [
    'listen: "0.0.0.0:4222"',
    'http: "0.0.0.0:8222"',
    `pid_file: "${PID_FILE}"`,
    'max_payload: 1MB',
    'write_deadline: "10s"',
    'ping_interval: "15s"',
    'ping_max: 2',
    `lame_duck_duration: "${LAME_DUCK_SECONDS}s"`,
    'lame_duck_grace_period: "1s"',
    'authorization { users: [',
    ...busUsers(realm).map(
      ({ user, publish, subscribe }) =>
        `  { user: ${user}, password: $NATS_${user}, permissions: { publish: ${rightsTo(publish)}, subscribe: ${rightsTo(subscribe)} } }`,
    ),
    '] }',
    ...(natsReplicas(realm) > 1 ? clusterLines(realm) : []),
  ]
  return `${lines.join('\n')}\n`
}

const rightsTo = (subjects: string | undefined): string => (subjects ? `"${subjects}"` : '{ deny: ">" }')

const clusterLines = (realm: Realm): string[] => [
  'server_name: $POD_NAME',
  'cluster {',
  `  name: "${realm.metadata.namespace}.${realm.metadata.name}"`,
  '  listen: "0.0.0.0:6222"',
  `  authorization { user: ${PEER}, password: $NATS_${PEER} }`,
  `  routes: [${peers(realm).map((peer) => `$NATS_ROUTE_${peer}`)}]`,
  '}',
]

const peers = (realm: Realm): number[] => Array.from({ length: natsReplicas(realm) }, (_, peer) => peer)

/** The StatefulSet of a Managed NATS. It has no disk: a message that is a minute old is of no use to any service. */
export const natsStatefulSet = (realm: Realm, platform: Platform): ManifestOf<V1StatefulSetSpec> => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: realmChildMeta(realm, partName(realm, 'nats'), 'nats'),
  spec: {
    replicas: natsReplicas(realm),
    // Immutable, so it is set even for a single server, which has no peers to find.
    serviceName: natsPeersName(realm.metadata.name),
    podManagementPolicy: 'Parallel',
    revisionHistoryLimit: 2,
    selector: { matchLabels: realmSelector(realm, 'nats') },
    template: natsPod(realm, platform),
  },
})

// Field references name their apiVersion, because the API server adds it: a field added inside a list looks like a difference.
function natsPod(realm: Realm, platform: Platform): V1PodTemplateSpec {
  const isClustered = natsReplicas(realm) > 1
  const secretName = natsSecretName(realm.metadata.name)
  return podTemplate(
    {
      labels: realmLabels(realm, 'nats'),
      annotations: { [CONFIG_ANNOTATION]: natsConfig(realm) },
      selector: realmSelector(realm, 'nats'),
      pods: realm.spec.pods,
      apart: isClustered,
      serviceAccountName: serviceAccountName(realm.metadata.name),
      terminationGracePeriodSeconds: isClustered ? LAME_DUCK_SECONDS + 15 : 15,
      volumes: [
        {
          name: 'config',
          downwardAPI: {
            items: [
              { path: 'nats.conf', fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${CONFIG_ANNOTATION}']` } },
            ],
          },
        },
      ],
      container: {
        name: 'nats',
        image: platform.natsImage,
        imagePullPolicy: platform.imagePullPolicy,
        args: ['--config', '/etc/nats/nats.conf'],
        envFrom: [{ prefix: 'NATS_', secretRef: { name: secretName } }],
        ...(isClustered && {
          env: peerVariables(realm, secretName, platform),
          // Moves its clients to the other servers one by one. A single server has no other, so it just restarts.
          lifecycle: { preStop: { exec: { command: ['nats-server', '--signal', `ldm=${PID_FILE}`] } } },
        }),
        ports: [
          { name: 'nats', containerPort: 4222 },
          { name: 'monitor', containerPort: 8222 },
          ...(isClustered ? [{ name: 'peers', containerPort: 6222 }] : []),
        ],
        ...resourcesOf('nats', realm.spec.nats.resources),
        volumeMounts: [{ name: 'config', mountPath: '/etc/nats', readOnly: true }],
        startupProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 1, failureThreshold: 60 },
        livenessProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 10, failureThreshold: 6 },
        readinessProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 1, failureThreshold: 3 },
      },
    },
    platform,
  )
}

// A variable may refer only to variables listed before it, and not to those of `envFrom`.
const peerVariables = (realm: Realm, secretName: string, { clusterDomain }: Platform): V1EnvVar[] => [
  { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
  { name: 'PEER_PASSWORD', valueFrom: { secretKeyRef: { name: secretName, key: PEER } } },
  ...peers(realm).map((peer) => {
    const { namespace, name } = realm.metadata
    const host = `${partName(realm, 'nats')}-${peer}.${natsPeersName(name)}.${namespace}.svc.${clusterDomain}`
    return { name: `NATS_ROUTE_${peer}`, value: `nats://${PEER}:$(PEER_PASSWORD)@${host}:6222` }
  }),
]
