import type { CommsCellStatus, RealmStatus } from '../../../crds/realm.ts'

/** A status as we report it. */
export type ReportedStatus = RealmStatus | CommsCellStatus

/** A status without the dates of its conditions, which say nothing new by themselves. */
export const withoutTransitionTimes = (status: ReportedStatus): object => ({
  ...status,
  conditions: status.conditions?.map(({ lastTransitionTime: _, ...condition }) => condition),
})

/** A condition keeps its date for as long as its status stays: a pass that looked a little earlier must not cost a write. */
export function keepTransitionTimes(status: ReportedStatus, before: ReportedStatus | undefined): ReportedStatus {
  if (!status.conditions) return status
  return {
    ...status,
    conditions: status.conditions.map((condition) => {
      const known = before?.conditions?.find(({ type }) => type === condition.type)
      return known?.status === condition.status ? { ...condition, lastTransitionTime: known.lastTransitionTime } : condition
    }),
  }
}
