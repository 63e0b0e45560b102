import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { Kind } from '../../../crds/resources.ts'
import { CELL_LABEL, COMPONENT_LABEL, REALM_LABEL } from '../../desired/naming.ts'
import { DELETION_COST_ANNOTATION } from '../../desired/scale/pod-removal.ts'
import type { Workload } from '../../observed/workload.ts'

/** What keeps a pod from becoming ready. */
export type PodProblem = NonNullable<Workload['problem']>

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
  problem: PodProblem | undefined
}

interface ContainerState {
  state?: { waiting?: { reason?: string; message?: string } }
  lastState?: { terminated?: { exitCode?: number; reason?: string; message?: string } }
  image?: string
}

/** The fields of a pod that the cache reads. */
export interface LivePod extends KubeObject {
  status?: {
    podIP?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    containerStatuses?: ContainerState[]
  }
}

/** The fields of an Event about a pod that the cache reads. */
export interface LiveEvent extends KubeObject {
  involvedObject: { kind?: string; namespace?: string; name?: string }
  message?: string
}

/** Reduces a live pod to what the cache keeps. */
export function podStateOf({ metadata, status }: LivePod): PodState {
  const { labels = {}, namespace = '', name } = metadata
  const [cell, realm] = [labels[CELL_LABEL], labels[REALM_LABEL]]
  const ready = status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false
  return {
    namespace,
    name,
    owner: cell ? { kind: 'CommsCell', name: cell } : realm ? { kind: 'Realm', name: realm } : undefined,
    component: labels[COMPONENT_LABEL] ?? '',
    ready,
    terminating: metadata.deletionTimestamp !== undefined,
    address: status?.podIP,
    deletionCost: metadata.annotations?.[DELETION_COST_ANNOTATION],
    // A pod that is being deleted has no problem to report.
    problem: ready || metadata.deletionTimestamp ? undefined : problemOf(status),
  }
}

function problemOf(status: LivePod['status']): PodProblem | undefined {
  const unschedulable = status?.conditions?.find(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')
  if (unschedulable) return { code: 'PodsFailing', message: `no node takes the pod: ${unschedulable.message ?? ''}` }
  for (const { state, lastState, image } of status?.containerStatuses ?? []) {
    const { reason, message = '' } = state?.waiting ?? {}
    if (reason === 'CreateContainerConfigError')
      return { code: /secret/i.test(message) ? 'SecretMissing' : 'PodsFailing', message: message || reason }
    if (reason === 'ImagePullBackOff' || reason === 'ErrImagePull' || reason === 'InvalidImageName')
      return { code: 'PodsFailing', message: `the image ${image ?? ''} cannot be pulled` }
    if (reason === 'CrashLoopBackOff') return { code: 'PodsFailing', message: `the process keeps ending${endingOf(lastState)}` }
    if (reason === 'CreateContainerError' || reason === 'RunContainerError')
      return { code: 'PodsFailing', message: message || reason }
  }
  return undefined
}

function endingOf(lastState: ContainerState['lastState']): string {
  const { exitCode, reason, message } = lastState?.terminated ?? {}
  if (reason === 'OOMKilled') return ': out of memory'
  return exitCode === undefined ? '' : ` with code ${exitCode}${message ? `: ${message.trim().slice(-200)}` : ''}`
}

/** Only Events of this reason are watched: the status of a pod does not show that a volume cannot be mounted. */
export const MOUNT_EVENTS = 'involvedObject.kind=Pod,reason=FailedMount'

/** The problem behind an Event about a mount; undefined when it may pass by itself. */
export const mountProblemOf = ({ message = '' }: LiveEvent): PodProblem | undefined => {
  const missing = /(secret|configmap) "?([^" ]+)"? not found|references non-existent (secret|config) key: \S+/.exec(message)
  return missing
    ? { code: /configmap|config key/.test(missing[0]) ? 'PodsFailing' : 'SecretMissing', message: missing[0] }
    : undefined
}
