import { messageOf, Refusal, UserError } from '../../cells/chassis/errors.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { Failure } from '../desired/status/conditions.ts'

/** What went wrong while a plan was carried out: what was thrown, and what to tell about it. */
export interface Failed {
  thrown: unknown
  failure: Failure
}

/** Does something, and answers with what went wrong instead of throwing: a failure is told first and retried then. */
export async function failureOf(attempt: () => Promise<void>): Promise<Failed | undefined> {
  try {
    await attempt()
    return undefined
  } catch (thrown) {
    return { thrown, failure: { reason: isPermanent(thrown) ? 'ApplyRefused' : 'Retrying', message: messageOf(thrown) } }
  }
}

// Answers of an API server that the same request gets again and again: it is wrong, forbidden, or about a namespace that is gone.
const PERMANENT_STATUSES = new Set([400, 403, 404, 405, 413, 415, 422])

const isPermanent = (thrown: unknown): boolean =>
  thrown instanceof KubeError ? PERMANENT_STATUSES.has(thrown.status) : thrown instanceof Refusal || thrown instanceof UserError
