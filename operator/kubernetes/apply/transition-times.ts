import type { CommsCellStatus, RealmStatus } from '../../../crds/realm.ts'
import { isFromFuture } from '../../observed/stamp.ts'

/** The status of a realm or a cell, as the operator writes it. */
export type ReportedStatus = RealmStatus | CommsCellStatus

/** A status without the transition times of its conditions: they alone are no reason for a write. */
export const withoutTransitionTimes = (status: ReportedStatus): object => ({
  ...status,
  conditions: status.conditions?.map(({ lastTransitionTime: _, ...condition }) => condition),
})

/**
 * A condition keeps its transition time while its status stays the same: a pass with an older clock reading must not cause a
 * write. One that a wrong clock put into the future is not kept.
 */
export function keepTransitionTimes(status: ReportedStatus, before: ReportedStatus | undefined): ReportedStatus {
  if (!status.conditions) return status
  return {
    ...status,
    conditions: status.conditions.map((condition) => {
      const previous = before?.conditions?.find(({ type }) => type === condition.type)
      if (previous?.status !== condition.status) return condition
      const [was, is] = [previous, condition].map(({ lastTransitionTime }) => Date.parse(lastTransitionTime)) as [number, number]
      return isFromFuture(was, is) ? condition : { ...condition, lastTransitionTime: previous.lastTransitionTime }
    }),
  }
}
