import type {
  V1Affinity,
  V1Container,
  V1EnvVar,
  V1PodTemplateSpec,
  V1Probe,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import type { Platform } from '../platform.ts'
import { type Pods, podEnvironmentOf, podFieldsOf } from '../pod-overrides.ts'
import type { Settings } from '../settings.ts'

/** The parts of a pod template that differ between workloads. */
export interface PodParts {
  labels: Record<string, string>
  annotations?: Record<string, string>
  /** Selects the pods of this workload, to spread them over nodes and zones. */
  selector: Record<string, string>
  serviceAccountName: string
  terminationGracePeriodSeconds: number
  container: Omit<V1Container, 'securityContext'>
  volumes?: V1Volume[]
  /** Fields that the user set in the Realm. */
  pods?: Pods | undefined
  /** Whether each pod should get a node of its own where there are enough nodes. */
  apart?: boolean
}

/** The port of each of the project's services; Kubernetes Services refer to it by name. */
export const HTTP_PORT = 8080
/** The name of the second port of a process that is a connector with statistics. */
export const STATS_PORT_NAME = 'stats'

/** The user id of the project's image; the `restricted` Pod Security profile does not allow 0. */
const USER = 65532
/** Where Secrets are mounted: `{folder}/{secret}/{key}`. */
export const SECRETS_FOLDER = '/run/secrets/realm'
const CA_FOLDER = '/run/ca-certificates'

/** Without it the cluster autoscaler removes no node with such a pod, because its volume could hold data. The user's own value wins. */
const TMP_MAY_GO = { 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'tmp' }

/** A pod template that passes the `restricted` Pod Security profile, writes only to /tmp, and spreads its pods over nodes and zones. */
export function podTemplate(parts: PodParts, platform: Pick<Platform, 'userIds'>): V1PodTemplateSpec {
  const { labels, selector, serviceAccountName, terminationGracePeriodSeconds, container, volumes = [], pods = {} } = parts
  const ca = caCertificatesOf(pods)
  const annotations = { ...TMP_MAY_GO, ...pods.annotations, ...parts.annotations }
  return {
    metadata: {
      // The operator's labels last: selectors need them.
      labels: { ...pods.labels, ...labels },
      annotations,
    },
    spec: {
      serviceAccountName,
      automountServiceAccountToken: false,
      // Otherwise every Service of the namespace, and so every realm, would add variables to each pod.
      enableServiceLinks: false,
      terminationGracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        ...(platform.userIds && { runAsUser: USER, runAsGroup: USER, fsGroup: USER }),
        seccompProfile: { type: 'RuntimeDefault' },
      },
      topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: selector },
      })),
      ...(parts.apart && { affinity: apartFrom(selector) }),
      ...podFieldsOf(pods),
      containers: [
        {
          // The sentence with which a process refuses its configuration reaches the status of the pod, and so that of the realm.
          terminationMessagePolicy: 'FallbackToLogsOnError',
          ...container,
          ...withEnv([...ca.env, ...(container.env ?? [])], pods),
          volumeMounts: [...(container.volumeMounts ?? []), ...ca.mounts, { name: 'tmp', mountPath: '/tmp' }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
      volumes: [...volumes.map(readableIn(platform)), ...ca.volumes, { name: 'tmp', emptyDir: {} }],
    },
  }
}

// The group of the files of a Secret is fsGroup; without one they are root's. Only the containers of the pod see them.
const readableIn =
  ({ userIds }: Pick<Platform, 'userIds'>) =>
  (volume: V1Volume): V1Volume =>
    userIds || !volume.secret ? volume : { ...volume, secret: { ...volume.secret, defaultMode: 0o444 } }

/** The variables of a container: those of the user, but none that the operator sets itself. */
function withEnv(own: V1EnvVar[], pods: Pods): { env?: V1EnvVar[] } {
  const names = new Set(own.map(({ name }) => name))
  const env = [...podEnvironmentOf(pods).filter(({ name }) => !names.has(name)), ...own]
  return env.length > 0 ? { env } : {}
}

/** The authorities that the realm's processes trust besides those of every machine. */
function caCertificatesOf({ caCertificates }: Pods): { env: V1EnvVar[]; volumes: V1Volume[]; mounts: V1VolumeMount[] } {
  if (!caCertificates) return { env: [], volumes: [], mounts: [] }
  const { configMapName, secretName, key } = caCertificates
  const name = 'ca-certificates'
  const source = { items: [{ key, path: 'ca.crt' }], defaultMode: 0o444 }
  return {
    env: [{ name: 'NODE_EXTRA_CA_CERTS', value: `${CA_FOLDER}/ca.crt` }],
    volumes: [
      {
        name,
        ...(configMapName
          ? { configMap: { name: configMapName, ...source } }
          : { secret: { secretName: secretName ?? '', ...source } }),
      },
    ],
    mounts: [{ name, mountPath: CA_FOLDER, readOnly: true }],
  }
}

const apartFrom = (matchLabels: Record<string, string>): V1Affinity => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } } },
    ],
  },
})

/**
 * Settings as fields of a container: a literal becomes a variable; a key of a Secret becomes a mounted file, whose path is in `NAME_FILE`.
 * No other key of that Secret is mounted.
 */
export function environmentOf(settings: Settings): { env: V1EnvVar[]; volumes: V1Volume[]; volumeMounts: V1VolumeMount[] } {
  const refs = Object.values(settings).filter((value) => typeof value !== 'string')
  const secrets = [...new Set(refs.map(({ secret }) => secret))].sort()
  const keysOf = (name: string) => [...new Set(refs.filter(({ secret }) => secret === name).map(({ key }) => key))].sort()
  const isOptional = (name: string) => refs.every(({ secret, optional }) => secret !== name || optional)
  return {
    env: Object.entries(settings).map(([name, value]) =>
      typeof value === 'string'
        ? { name, value }
        : { name: `${name}_FILE`, value: `${SECRETS_FOLDER}/${value.secret}/${value.key}` },
    ),
    // Numbered, because the name of a Secret may be longer than a volume's name may be, and may contain dots.
    volumes: secrets.map((secretName, index) => ({
      name: `secret-${index}`,
      secret: {
        secretName,
        defaultMode: 0o440,
        items: keysOf(secretName).map((key) => ({ key, path: key })),
        ...(isOptional(secretName) && { optional: true }),
      },
    })),
    volumeMounts: secrets.map((secret, index) => ({
      name: `secret-${index}`,
      mountPath: `${SECRETS_FOLDER}/${secret}`,
      readOnly: true,
    })),
  }
}

/**
 * The probes of one of the project's services. The liveness probe asks only about the process itself, because a restart repairs neither a
 * lost broker nor a lost database; a slow start is left to the startup probe.
 */
export const probes = (port: string): { startupProbe: V1Probe; livenessProbe: V1Probe; readinessProbe: V1Probe } => ({
  startupProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 1, failureThreshold: 60 },
  livenessProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  readinessProbe: { httpGet: { path: '/health/ready', port }, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 },
})
