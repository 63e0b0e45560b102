import type { V1NetworkPolicyPeer, V1NetworkPolicyPort, V1NetworkPolicySpec, V1StatefulSetSpec } from '@kubernetes/client-node'
import type { Realm } from '../../crds/realm.ts'
import type { Manifest, ManifestOf, MintedSecret } from './manifest.ts'
import { partName, REALM_LABEL, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from './naming.ts'
import type { Platform } from './platform.ts'
import { podTemplate } from './pod.ts'

// Names with a dollar sign are variables of the environment: the password never passes through our hands.
const config = `listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
authorization { user: $NATS_USER, password: $NATS_PASSWORD }
max_payload: 1MB
write_deadline: "10s"
`

/** The configuration file of a Managed NATS. */
export const natsConfigMap = (realm: Realm): Manifest & { data: Record<string, string> } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: realmChildMeta(realm, partName(realm, 'nats'), 'nats'),
  data: { 'nats.conf': config },
})

/** The account of a Managed NATS. */
export const natsSecret = (realm: Realm): MintedSecret => ({
  metadata: realmChildMeta(realm, partName(realm, 'nats'), 'nats'),
  keys: ['user', 'password'],
  neededBy: { kind: 'StatefulSet', name: partName(realm, 'nats') },
})

/** The StatefulSet of a Managed NATS: one server, nothing on disk, since a position of a minute ago is worth nothing. */
export const natsStatefulSet = (realm: Realm, platform: Platform): ManifestOf<V1StatefulSetSpec> => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: realmChildMeta(realm, partName(realm, 'nats'), 'nats'),
  spec: {
    replicas: 1,
    serviceName: partName(realm, 'nats'),
    podManagementPolicy: 'Parallel',
    revisionHistoryLimit: 2,
    selector: { matchLabels: realmSelector(realm, 'nats') },
    template: podTemplate({
      labels: realmLabels(realm, 'nats'),
      selector: realmSelector(realm, 'nats'),
      serviceAccountName: serviceAccountName(realm.metadata.name),
      terminationGracePeriodSeconds: 15,
      volumes: [{ name: 'config', configMap: { name: partName(realm, 'nats') } }],
      container: {
        name: 'nats',
        image: platform.natsImage,
        imagePullPolicy: platform.imagePullPolicy,
        args: ['--config', '/etc/nats/nats.conf'],
        env: [
          { name: 'NATS_USER', valueFrom: { secretKeyRef: { name: partName(realm, 'nats'), key: 'user' } } },
          { name: 'NATS_PASSWORD', valueFrom: { secretKeyRef: { name: partName(realm, 'nats'), key: 'password' } } },
        ],
        ports: [
          { name: 'nats', containerPort: 4222 },
          { name: 'monitor', containerPort: 8222 },
        ],
        volumeMounts: [{ name: 'config', mountPath: '/etc/nats', readOnly: true }],
        startupProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 1, failureThreshold: 60 },
        livenessProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 10, failureThreshold: 6 },
        readinessProbe: { httpGet: { path: '/healthz', port: 'monitor' }, periodSeconds: 1, failureThreshold: 3 },
      },
    }),
  },
})

// Written out, because the library's own type calls the field `_from`, a name only its serializer understands.
type NetworkPolicy = ManifestOf<
  Omit<V1NetworkPolicySpec, 'ingress'> & { ingress: { from: V1NetworkPolicyPeer[]; ports: V1NetworkPolicyPort[] }[] }
>

/** Only the realm's own pods speak to its NATS. */
export const natsNetworkPolicy = (realm: Realm): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: realmChildMeta(realm, partName(realm, 'nats'), 'nats'),
  spec: {
    podSelector: { matchLabels: realmSelector(realm, 'nats') },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { [REALM_LABEL]: realm.metadata.name } } }],
        ports: [{ port: 4222, protocol: 'TCP' }],
      },
    ],
  },
})
