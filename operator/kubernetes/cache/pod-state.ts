import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { Kind } from '../../../crds/resources.ts'
import { CELL_LABEL, COMPONENT_LABEL, REALM_LABEL, WORLDS_ANNOTATION } from '../../desired/naming.ts'
import { DELETION_COST_ANNOTATION } from '../../desired/scale/pod-removal.ts'
import { OUT_OF_MEMORY, type Workload } from '../../observed/workload.ts'
import { lastSentencesOf } from './termination-message.ts'

/** What keeps a pod from becoming ready. */
export type PodProblem = NonNullable<Workload['problem']> & {
  /** The Secret that does not exist. */
  missingSecret?: string
  /** The volume that cannot be mounted. */
  volume?: string
}

/** What the cache keeps of a pod. */
export interface PodState {
  namespace: string
  name: string
  /** The cell or realm whose pod it is. */
  owner: { kind: Kind; name: string } | undefined
  component: string
  ready: boolean
  /** Whether it is being deleted. */
  terminating: boolean
  /** IP address. */
  address: string | undefined
  /** The value of its deletion cost annotation. */
  deletionCost: string | undefined
  /** The value of its annotation about worlds. */
  worlds: string | undefined
  problem: PodProblem | undefined
  /** Whether a container of it has run, which needs all its volumes. */
  started: boolean
  /** The Secrets that are mounted into it, by volume; kept until a container of it has run. */
  secrets: Readonly<Record<string, MountedSecret>> | undefined
  /** Whether it is the pod of a migration that has succeeded. */
  migrated: boolean
}

/** A Secret that a pod mounts, and the keys it needs of it. */
interface MountedSecret {
  name: string
  keys: readonly string[]
}

interface ContainerStatus {
  name?: string
  state?: {
    waiting?: { reason?: string; message?: string }
    running?: { startedAt?: string }
    terminated?: { exitCode?: number }
  }
  lastState?: { terminated?: { exitCode?: number; reason?: string; message?: string; finishedAt?: string } }
  image?: string
}

/** The fields of a pod that the cache reads. */
export interface LivePod extends KubeObject {
  spec?: { volumes?: { name: string; secret?: { secretName?: string; items?: { key: string }[] } }[] }
  status?: {
    podIP?: string
    startTime?: string
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[]
    initContainerStatuses?: ContainerStatus[]
    containerStatuses?: ContainerStatus[]
  }
}

/** Reduces a live pod to what the cache keeps. */
export function podStateOf({ metadata, spec, status }: LivePod): PodState {
  const { labels = {}, namespace = '', name } = metadata
  const [cell, realm] = [labels[CELL_LABEL], labels[REALM_LABEL]]
  const component = labels[COMPONENT_LABEL] ?? ''
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {}
  const ready = status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false
  const started = [...initContainerStatuses, ...containerStatuses].some(
    ({ state, lastState }) => state?.running ?? state?.terminated ?? lastState?.terminated,
  )
  return {
    namespace,
    name,
    owner: cell ? { kind: 'CommsCell', name: cell } : realm ? { kind: 'Realm', name: realm } : undefined,
    component,
    ready,
    terminating: metadata.deletionTimestamp !== undefined,
    address: status?.podIP,
    deletionCost: metadata.annotations?.[DELETION_COST_ANNOTATION],
    worlds: metadata.annotations?.[WORLDS_ANNOTATION],
    // A pod that is being deleted has no problem to report.
    problem: ready || metadata.deletionTimestamp ? undefined : problemOf(component, status),
    started,
    secrets: ready || started ? undefined : secretsOf(spec),
    migrated: isMigrated(component, containerStatuses),
  }
}

const secretsOf = (spec: LivePod['spec']): PodState['secrets'] =>
  Object.fromEntries(
    (spec?.volumes ?? []).flatMap(({ name, secret }) =>
      secret?.secretName ? [[name, { name: secret.secretName, keys: (secret.items ?? []).map(({ key }) => key) }]] : [],
    ),
  )

function problemOf(component: string, status: LivePod['status']): PodProblem | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False')
    return {
      code: 'PodsFailing',
      message: `no node takes the pod: ${scheduled.message ?? ''}`,
      ...sinceOf(scheduled.lastTransitionTime),
    }
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {}
  const unreadySince = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  for (const container of [...initContainerStatuses, ...containerStatuses]) {
    const problem = waitingProblemOf(container, unreadySince)
    // A container that was injected has another name than the component.
    const prefix = !container.name || container.name === component ? '' : `container ${container.name}: `
    const since = problem?.isImageMissing && isTransient(container) ? sinceOf(status?.startTime) : undefined
    if (problem) return { ...problem, message: `${prefix}${problem.message}`, ...since }
  }
  const sidecar = containerStatuses.find(({ name, state }) => name !== component && state?.running)
  return sidecar && isMigrated(component, containerStatuses)
    ? { code: 'PodsFailing', message: sidecarMessage(sidecar) }
    : undefined
}

/** Whether the reason why a container has no image may pass by itself. */
const isTransient = ({ state }: ContainerStatus): boolean =>
  ['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable'].includes(state?.waiting?.reason ?? '')

function sinceOf(time: string | undefined): { since: number } | undefined {
  const since = Date.parse(time ?? '')
  return Number.isNaN(since) ? undefined : { since }
}

/** Reasons that every container has for a moment before it starts. */
const NORMAL_WAITING = new Set(['ContainerCreating', 'PodInitializing'])

/** All other reasons keep a container from starting; their list grows with each container runtime. */
function waitingProblemOf(container: ContainerStatus, unreadySince: string | undefined): PodProblem | undefined {
  const { state, lastState, image = '' } = container
  const { reason, message = '' } = state?.waiting ?? {}
  if (isCrashLooping(container, unreadySince)) return crashProblem(lastState)
  if (!reason || NORMAL_WAITING.has(reason)) return undefined
  if (reason === 'CreateContainerConfigError') {
    const missingSecret = /secret "([^"]+)" not found/.exec(message)?.[1]
    const code = /secret/i.test(message) ? 'SecretMissing' : 'PodsFailing'
    return { code, message: message || reason, ...(missingSecret && { missingSecret }) }
  }
  // One message for reasons that take turns: the status must not change with each attempt.
  if (reason === 'ImagePullBackOff' || reason === 'ErrImagePull' || reason === 'InvalidImageName')
    return { code: 'PodsFailing', message: `the image ${image} cannot be pulled${pullErrorIn(message)}`, isImageMissing: true }
  const isImageMissing = /image|registry|signature/i.test(reason)
  const text = `${reason}: ${message || `the image is ${image}`}`
  return { code: 'PodsFailing', message: text, ...(isImageMissing && { isImageMissing }) }
}

/** The kubelet waits this long at least before it starts a process again that keeps ending. */
const BACK_OFF_MS = 5_000

/** Also while the process runs again after a pause and was not ready since: a problem must not come and go with each attempt. */
function isCrashLooping({ state, lastState }: ContainerStatus, unreadySince = ''): boolean {
  if (state?.waiting?.reason === 'CrashLoopBackOff') return true
  const startedAt = Date.parse(state?.running?.startedAt ?? '')
  const pauseMs = startedAt - Date.parse(lastState?.terminated?.finishedAt ?? '')
  return pauseMs >= BACK_OFF_MS && lastState?.terminated?.exitCode !== 0 && Date.parse(unreadySince) <= startedAt
}

const crashProblem = (lastState: ContainerStatus['lastState']): PodProblem => ({
  code: 'PodsFailing',
  message: `the process keeps ending${endingOf(lastState)}`,
})

const MAX_PULL_ERROR_LENGTH = 300

/**
 * The error of a pull, the same for reasons that take turns and for each attempt, because the status must not change with them: without
 * what a back-off puts in front of it, and without the ports of connections.
 */
function pullErrorIn(message: string): string {
  const error = message
    .replace(/^Back-off pulling image "[^"]*"(: (ErrImagePull: )?)?/, '')
    .replaceAll(/\S+:\d+->/g, '')
    .slice(0, MAX_PULL_ERROR_LENGTH)
  return error && `: ${error}`
}

/** Whether the migration in a pod has succeeded, even though other containers keep the pod running. */
const isMigrated = (component: string, statuses: readonly ContainerStatus[]): boolean =>
  component === 'migration' && statuses.some(({ name, state }) => name === component && state?.terminated?.exitCode === 0)

const sidecarMessage = ({ name = '' }: ContainerStatus): string =>
  `the migration is complete, but the container ${name} keeps its pod running, so that its Job never ends: ` +
  'have native sidecars injected, or switch the injection off by spec.gatekeeper.pods, ' +
  'with the label sidecar.istio.io/inject: "false" or the annotation linkerd.io/inject: disabled'

function endingOf(lastState: ContainerStatus['lastState']): string {
  const { exitCode, reason, message } = lastState?.terminated ?? {}
  if (reason === 'OOMKilled') return `: ${OUT_OF_MEMORY}`
  const sentences = lastSentencesOf(message ?? '')
  return exitCode === undefined ? '' : ` with code ${exitCode}${sentences && `: ${sentences}`}`
}
