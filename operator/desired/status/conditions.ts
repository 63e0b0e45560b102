import type { Condition } from '../../../crds/realm.ts'
import type { Workload } from '../../observed/workload.ts'

/** What is claimed about an object, before it is dated. */
export type Claim<Reasons> = {
  [Type in keyof Reasons & string]: { type: Type; status: Condition['status']; reason: Reasons[Type]; message: string }
}[keyof Reasons & string]

/** The object the claims are about, as last seen. */
interface Subject {
  metadata: { generation?: number }
  status?: { conditions?: Condition[] }
}

/** Claims as conditions: each speaks of the generation seen, and keeps its date for as long as its status stays the same. */
export function conditionsOf(
  { metadata, status }: Subject,
  claims: readonly { type: string; status: Condition['status']; reason: string; message: string }[],
  now: number,
): Condition[] {
  return claims.map((claim) => {
    const before = status?.conditions?.find(({ type }) => type === claim.type)
    return {
      type: claim.type,
      status: claim.status,
      ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
      lastTransitionTime: before?.status === claim.status ? before.lastTransitionTime : dateOf(now),
      reason: claim.reason,
      message: claim.message.slice(0, MAX_MESSAGE_LENGTH),
    }
  })
}

/** Longest message we write; the API server takes 32768, nobody reads that much. */
const MAX_MESSAGE_LENGTH = 1024

// Kubernetes writes times to the second.
const dateOf = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')

/** Why a pass could not make what it wanted. */
export interface Failure {
  /** `Retrying`: the next attempt may succeed. The others: no attempt can succeed until a person changes something. */
  reason: 'Retrying' | 'ApplyRefused' | 'BusMissing'
  message: string
}

/**
 * What keeps the pods of a workload from becoming ready. While no pod of the current template exists, a pod that fails is one of the
 * template before: a corrected spec must not be reported as stalled until its own pods had a chance.
 */
export const problemOf = ({ problem, updated }: Workload): Workload['problem'] =>
  problem && (updated > 0 || problem.code === 'PodsRefused') ? problem : undefined
