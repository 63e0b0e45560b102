import type {
  V1Affinity,
  V1Container,
  V1EnvVar,
  V1PodTemplateSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import { type Pods, podFieldsOf } from '../overrides.ts'
import type { Settings } from '../settings.ts'

/** What the pods of one workload have in common, and what only this workload has. */
export interface PodParts {
  labels: Record<string, string>
  annotations?: Record<string, string>
  /** What picks the pods of this workload, to spread them. */
  selector: Record<string, string>
  serviceAccountName: string
  terminationGracePeriodSeconds: number
  container: Omit<V1Container, 'securityContext'>
  volumes?: V1Volume[]
  /** What the user of this cluster wants of them besides. */
  pods?: Pods | undefined
  /** Whether each should have a node of its own wherever there are enough. */
  apart?: boolean
}

/** Where each service of ours listens; Services find it by the port's name. */
export const HTTP_PORT = 8080

/** The user our image runs as; 0 is not allowed by the `restricted` Pod Security profile. */
const USER = 65532
/** Where Secrets are mounted: `{folder}/{secret}/{key}`. */
const SECRETS_FOLDER = '/run/secrets/realm'

/** A pod that passes the `restricted` Pod Security profile, writes nowhere but to /tmp, and is spread over nodes. */
export function podTemplate(parts: PodParts): V1PodTemplateSpec {
  const { labels, selector, serviceAccountName, terminationGracePeriodSeconds, container, volumes = [], pods = {} } = parts
  const annotations = { ...pods.annotations, ...parts.annotations }
  return {
    metadata: {
      // Ours last: selectors rest on them.
      labels: { ...pods.labels, ...labels },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      serviceAccountName,
      automountServiceAccountToken: false,
      // Variables named after Services would grow with every realm of the namespace.
      enableServiceLinks: false,
      terminationGracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
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
          ...container,
          volumeMounts: [...(container.volumeMounts ?? []), { name: 'tmp', mountPath: '/tmp' }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
      volumes: [...volumes, { name: 'tmp', emptyDir: {} }],
    },
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
 * Settings as a container takes them: literals as variables; a key of a Secret as a mounted file, named by `NAME_FILE`. No other key
 * of that Secret is mounted.
 */
export function environmentOf(settings: Settings): { env: V1EnvVar[]; volumes: V1Volume[]; volumeMounts: V1VolumeMount[] } {
  const refs = Object.values(settings).filter((value) => typeof value !== 'string')
  const secrets = [...new Set(refs.map(({ secret }) => secret))].sort()
  const keysOf = (name: string) => [...new Set(refs.filter(({ secret }) => secret === name).map(({ key }) => key))].sort()
  return {
    env: Object.entries(settings).map(([name, value]) =>
      typeof value === 'string'
        ? { name, value }
        : { name: `${name}_FILE`, value: `${SECRETS_FOLDER}/${value.secret}/${value.key}` },
    ),
    // Numbered, because the name of a Secret may be longer than that of a volume and hold dots.
    volumes: secrets.map((secretName, index) => ({
      name: `secret-${index}`,
      secret: { secretName, defaultMode: 0o440, items: keysOf(secretName).map((key) => ({ key, path: key })) },
    })),
    volumeMounts: secrets.map((secret, index) => ({
      name: `secret-${index}`,
      mountPath: `${SECRETS_FOLDER}/${secret}`,
      readOnly: true,
    })),
  }
}

/**
 * The probes of a service of ours. A restart cures neither a lost broker nor a lost database, so only the process itself is asked
 * whether it lives; being slow to start is no death either.
 */
export const probes = (port: string): { startupProbe: V1Probe; livenessProbe: V1Probe; readinessProbe: V1Probe } => ({
  startupProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 1, failureThreshold: 60 },
  livenessProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  readinessProbe: { httpGet: { path: '/health/ready', port }, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 },
})

/** Resources as pods take them. */
export const resourcesOf = (
  given: { requests?: Record<string, number | string>; limits?: Record<string, number | string> } | undefined,
): { resources: V1ResourceRequirements } | undefined =>
  given && {
    resources: {
      ...(given.requests && { requests: quantitiesOf(given.requests) }),
      ...(given.limits && { limits: quantitiesOf(given.limits) }),
    },
  }

const quantitiesOf = (given: Record<string, number | string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, quantity]) => [name, String(quantity)]))
