import { type CellReasons, type CommsCellStatus, conditionOf, type RealmReasons, type RealmStatus } from '../../crds/realm.ts'
import { type EventNote, stalledEvent } from './event-reasons.ts'

/** The Events for a change of the status of a realm; none when only numbers changed. */
export function realmEvents(before: RealmStatus | undefined, after: RealmStatus): EventNote[] {
  return [
    ...cellEvents(before, after),
    ...scaleEvents(before, after),
    ...publicationEvents(before, after),
    ...dataEvents(before, after),
    ...certificateEvents(before, after),
    ...routeEvents(before, after),
    ...blockerEvents(before, after),
  ]
}

/** The Events for a change of the condition `Stalled` of a realm or cell. */
export function blockerEvents(
  before: RealmStatus | CommsCellStatus | undefined,
  after: RealmStatus | CommsCellStatus,
): EventNote[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'Stalled'))
  if (is?.status !== 'True') return []
  // Which fields a CRD does not know is found out one after the other: the condition has them all, one Event is enough.
  const isSaid = was?.message === is.message || is.reason === 'CrdOutdated'
  if (was?.status === 'True' && was.reason === is.reason && isSaid) return []
  const reason = stalledEvent(is.reason as RealmReasons['Stalled'] | CellReasons['Stalled'])
  return reason ? [{ reason, note: is.message }] : []
}

function cellEvents(before: RealmStatus | undefined, { endpoints = [] }: RealmStatus): EventNote[] {
  const changed = endpoints.filter(({ cell, state }) => before?.endpoints?.find((known) => known.cell === cell)?.state !== state)
  const cellsIn = (state: string) => changed.filter((endpoint) => endpoint.state === state).map(({ cell }) => cell)
  const note = (reason: EventNote['reason'], cells: string[], what: string): EventNote[] =>
    cells.length > 0 ? [{ reason, note: `${cells.join(', ')} ${what}` }] : []
  return [
    ...note('CellServing', cellsIn('Serving'), 'can take players'),
    ...note('CellDraining', cellsIn('Draining'), 'started draining'),
    ...note('CellUnhealthy', cellsIn('Unhealthy'), 'can no longer take players'),
  ]
}

function scaleEvents({ autoscale: was }: RealmStatus = {}, { autoscale: is }: RealmStatus): EventNote[] {
  if (!is || (was?.reason === is.reason && was.message === is.message && was.changedAt === is.changedAt)) return []
  const note = is.message
  if (is.reason === 'MorePlayers') return [{ reason: 'ScaledUp', note }]
  if (is.reason === 'FewerPlayers') return [{ reason: 'ScaledDown', note }]
  return is.reason === 'AtMaximum' ? [{ reason: 'ScaleLimited', note }] : []
}

function publicationEvents(before: RealmStatus | undefined, after: RealmStatus): EventNote[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'Published'))
  if (!is || (was?.status === is.status && was.reason === is.reason)) return []
  if (is.reason === 'ProviderUnreachable') return [{ reason: 'ProviderUnreachable', note: is.message }]
  if (is.status === 'True') return was?.status === 'True' ? [] : [{ reason: 'RealmPublished', note: is.message }]
  return was?.status === 'True' ? [{ reason: 'RealmUnpublished', note: is.message }] : []
}

function dataEvents(before: RealmStatus | undefined, after: RealmStatus): EventNote[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'DataDurable'))
  return is?.reason === 'EndsWithPod' && was?.reason !== is.reason ? [{ reason: 'DataEndsWithPod', note: is.message }] : []
}

function certificateEvents(before: RealmStatus | undefined, after: RealmStatus): EventNote[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'CertificateValid'))
  if (!is || was?.reason === is.reason) return []
  if (is.reason === 'ExpiresSoon') return [{ reason: 'CertificateExpiresSoon', note: is.message }]
  return is.status === 'False' ? [{ reason: 'CertificateInvalid', note: is.message }] : []
}

function routeEvents(before: RealmStatus | undefined, after: RealmStatus): EventNote[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'RouteAccepted'))
  const isNew = was?.status !== is?.status || was?.reason !== is?.reason
  return is?.status === 'False' && isNew ? [{ reason: 'RouteNotAccepted', note: is.message }] : []
}
