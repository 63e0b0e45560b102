import { messageOf, Refusal, UserError } from '../../cells/chassis/errors.ts'
import { isNamespaceTerminating, isUnreadableObject, KubeError } from '../../cells/kube/kube-error.ts'
import type { Failure } from '../desired/status/conditions.ts'

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
    return { thrown, failure: { reason: isPermanent(thrown) ? 'ApplyRefused' : 'Retrying', message: messageOf(thrown) } }
  }
}

/** When to look again at an object whose namespace is being deleted: its own deletion starts a pass anyway. */
export const TERMINATING: { afterMs: number } = { afterMs: 60_000 }

/** Whether a pass failed only because its namespace is being deleted: there is nothing left to do, and nothing to report. */
export const isEndOfNamespace = (failed: Failed | undefined): boolean => isNamespaceTerminating(failed?.thrown)

// Answers of an API server that do not change when the request is repeated: it is invalid, forbidden, or its namespace was
// deleted.
const PERMANENT_STATUSES = new Set([400, 403, 404, 405, 413, 415, 422])

const isPermanent = (thrown: unknown): boolean =>
  thrown instanceof KubeError
    ? PERMANENT_STATUSES.has(thrown.status) || isUnreadableObject(thrown)
    : thrown instanceof Refusal || thrown instanceof UserError
