import type { Condition } from '../../../crds/realm.ts'
import { ageMs, isFromFuture, keptStamp, stampOf } from '../../observed/stamp.ts'
import type { Workload } from '../../observed/workload.ts'

/** A condition without the generation it describes and the time of its last transition. */
export type ConditionDraft<Reasons> = {
  [Type in keyof Reasons & string]: { type: Type; status: Condition['status']; reason: Reasons[Type]; message: string }
}[keyof Reasons & string]

/** The object that has the conditions, as last seen. */
interface ConditionedObject {
  metadata: { generation?: number }
  status?: { conditions?: Condition[] }
}

/** Completes drafts: each describes the generation seen, and keeps its transition time for as long as its status stays the same. */
export function conditionsOf(
  { metadata, status }: ConditionedObject,
  drafts: readonly { type: string; status: Condition['status']; reason: string; message: string }[],
  now: number,
): Condition[] {
  return drafts.map((draft) => {
    const before = status?.conditions?.find(({ type }) => type === draft.type)
    return {
      type: draft.type,
      status: draft.status,
      ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
      lastTransitionTime: before?.status === draft.status ? keptStamp(before.lastTransitionTime, now) : stampOf(now),
      reason: draft.reason,
      message: draft.message.slice(0, MAX_MESSAGE_LENGTH),
    }
  })
}

/** The API server takes 32768 characters; a person reads fewer. */
const MAX_MESSAGE_LENGTH = 1024

/** Why a pass could not apply its plan. */
export interface Failure {
  /** `Retrying`: the next attempt may succeed. The others: no attempt can succeed until a person changes something. */
  reason: 'Retrying' | 'ApplyRefused' | 'BusMissing' | 'CrdOutdated'
  message: string
}

/**
 * What keeps the pods of a workload from becoming ready. While no pod of the current template exists, a pod that fails has an earlier
 * template: a corrected spec must not be reported as stalled before its own pods were started.
 */
const currentProblemOf = ({ problem, current }: Workload): Workload['problem'] =>
  problem && (current > 0 || problem.code === 'PodsRefused') ? problem : undefined

/** How long a problem that may pass by itself is waited for, before it counts as one that a person has to solve. */
const PATIENCE_MS = 45_000

/** How much longer to wait for problems that may pass by themselves, in milliseconds; undefined when there is none. */
export function patienceLeftMs(workloads: readonly (Workload | undefined)[], now: number): number | undefined {
  const left = workloads.flatMap((workload) => {
    const since = workload && currentProblemOf(workload)?.since
    // A node whose clock is wrong must not keep a problem from being reported.
    return since === undefined || isFromFuture(since, now) || ageMs(since, now) >= PATIENCE_MS
      ? []
      : [PATIENCE_MS - ageMs(since, now)]
  })
  return left.length > 0 ? Math.min(...left) : undefined
}

/** The problem of a workload that a person has to solve. */
export const problemOf = (workload: Workload, now: number): Workload['problem'] =>
  patienceLeftMs([workload], now) === undefined ? currentProblemOf(workload) : undefined

/** The problem of a workload that may pass by itself. */
export const passingProblemOf = (workload: Workload, now: number): Workload['problem'] =>
  patienceLeftMs([workload], now) === undefined ? undefined : currentProblemOf(workload)
