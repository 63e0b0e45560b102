import { messageOf, Refusal, UserError } from '../../cells/chassis/errors.ts'
import { isNamespaceTerminating, isUnreadableObject, KubeError, unknownFields } from '../../cells/kube/kube-error.ts'
import type { Failure } from '../desired/status/conditions.ts'
import { outdatedCrdMessage } from '../desired/status/outdated-crd.ts'

/** What was thrown while a plan was realized, and what the status reports about it. */
export interface Failed {
  thrown: unknown
  failure: Failure
}

/** Returns what `attempt` throws, so that a failure is reported in the status before the pass is retried. */
export async function failureOf(attempt: () => Promise<void>): Promise<Failed | undefined> {
  try {
    await attempt()
    return undefined
  } catch (thrown) {
    return {
      thrown,
      failure: outdatedCrd(thrown) ?? { reason: isPermanent(thrown) ? 'ApplyRefused' : 'Retrying', message: messageOf(thrown) },
    }
  }
}

/** When to look again at an object whose CRD is outdated: an upgrade of the CRD changes no object. */
export const CRD_RECHECK: { afterMs: number } = { afterMs: 30_000 }

/** The operator takes all values of a cell from a Realm that the API server accepted, so what it does not know there is the CRD's fault. */
function outdatedCrd(thrown: unknown): Failure | undefined {
  const paths = unknownFields(thrown).flatMap(({ kind, path }) => (kind === 'CommsCell' ? [path] : []))
  if (paths.length === 0) return undefined
  return { reason: 'CrdOutdated', message: outdatedCrdMessage('CommsCell', paths, 'the operator creates and changes no cells') }
}

/** When to look again at an object whose namespace is being deleted: its own deletion starts a pass anyway. */
export const TERMINATING: { afterMs: number } = { afterMs: 60_000 }

/** Whether a pass failed only because its namespace is being deleted: there is nothing left to do, and nothing to report. */
export const isEndOfNamespace = (failed: Failed | undefined): boolean => isNamespaceTerminating(failed?.thrown)

// Answers of an API server that do not change when the request is repeated: it is invalid, forbidden, or its namespace was
// deleted.
const PERMANENT_STATUSES = new Set([400, 403, 404, 405, 413, 415, 422])

const OBJECT_AT_FAULT = new Set([400, 405, 413, 415, 422])
/** Of webhooks and policies, which answer with any status: they may be changed. */
const DENIED = /denied (the )?request/
const OBJECT_RETRY_MS = 300_000
const RETRY_MS = 30_000

/**
 * How long at most to wait for the next attempt. What refuses an object may end without a change of anything that is watched: a quota, a
 * missing right, a webhook, a server that is down. An object that is itself at fault is corrected by a change, which starts a pass.
 */
export function longestRetryMs(thrown: unknown): number {
  if (!(thrown instanceof KubeError) || DENIED.test(thrown.message)) return RETRY_MS
  return OBJECT_AT_FAULT.has(thrown.status) || isUnreadableObject(thrown) ? OBJECT_RETRY_MS : RETRY_MS
}

const isPermanent = (thrown: unknown): boolean =>
  thrown instanceof KubeError
    ? PERMANENT_STATUSES.has(thrown.status) || isUnreadableObject(thrown)
    : thrown instanceof Refusal || thrown instanceof UserError
