import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { PodProblem } from './pod-state.ts'

/** The fields of an Event that the cache reads. */
export interface LiveEvent extends KubeObject {
  involvedObject: { kind?: string; namespace?: string; name?: string }
  reason?: string
  message?: string
}

/** A problem that only an Event shows: the status of the object it is about does not. */
export interface EventProblem {
  /** The object: a pod, or a StatefulSet or Job whose pods are not created. */
  about: { kind: string; namespace: string; name: string }
  problem: PodProblem | undefined
  /** Whether the first Event of its kind says nothing yet, because the next attempt often succeeds. */
  needsRepetition: boolean
}

/**
 * The Events that are watched. A field selector has no "or", so the frequent warnings that are in the status of a pod as well are left
 * out by name.
 */
export const WATCHED_EVENTS = [
  'type=Warning',
  'reason!=Unhealthy',
  'reason!=BackOff',
  'reason!=Failed',
  'reason!=FailedScheduling',
].join(',')

/** Reduces a live Event to what the cache keeps. */
export function eventProblemOf({ involvedObject, reason, message = '' }: LiveEvent): EventProblem {
  const { kind = '', namespace = '', name = '' } = involvedObject
  const about = { kind, namespace, name }
  return { about, problem: problemOf(kind, reason, message), needsRepetition: reason === 'FailedCreatePodSandBox' }
}

function problemOf(kind: string, reason: string | undefined, message: string): PodProblem | undefined {
  // A Deployment has the refusal of its pods in a condition.
  if (reason === 'FailedCreate' && (kind === 'StatefulSet' || kind === 'Job')) return { code: 'PodsRefused', message }
  if (kind !== 'Pod') return undefined
  if (reason === 'FailedMount') return mountProblemOf(message)
  if (reason === 'FailedAttachVolume') return { code: 'PodsFailing', message: `a volume cannot be attached: ${message}` }
  // The id of the sandbox differs from attempt to attempt; the status must not.
  if (reason === 'FailedCreatePodSandBox')
    return { code: 'PodsFailing', message: message.replaceAll(/ ?"?\b[0-9a-f]{64}\b"?/g, '') }
  return undefined
}

/** The problem behind a volume that cannot be mounted; undefined when it may pass by itself. */
function mountProblemOf(message: string): PodProblem | undefined {
  const missing = /(secret|configmap) "?([^" ]+)"? not found|references non-existent (secret|config) key: \S+/.exec(message)
  if (!missing) return undefined
  const [text, kind, name] = missing
  if (/configmap|config key/.test(text)) return { code: 'PodsFailing', message: text }
  const volume = /for volume "([^"]+)"/.exec(message)?.[1]
  return {
    code: 'SecretMissing',
    message: text,
    ...(kind === 'secret' && name && { missingSecret: name }),
    ...(volume && { volume }),
  }
}
