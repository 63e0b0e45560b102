import { type CellReasons, type CommsCellStatus, conditionOf, type RealmReasons, type RealmStatus } from '../../crds/realm.ts'
import { type News, obstacleReasons } from './event-reasons.ts'

/** What is worth telling when the status of a realm changes; nothing when only numbers did. */
export function realmNews(before: RealmStatus | undefined, after: RealmStatus): News[] {
  return [
    ...cellNews(before, after),
    ...scaleNews(before, after),
    ...publicationNews(before, after),
    ...obstacleNews(before, after),
  ]
}

/** What is worth telling when the status of a cell or realm changes, as far as it stands still. */
export function obstacleNews(before: RealmStatus | CommsCellStatus | undefined, after: RealmStatus | CommsCellStatus): News[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'Stalled'))
  if (is?.status !== 'True' || (was?.status === 'True' && was.reason === is.reason && was.message === is.message)) return []
  const reason = is.reason as RealmReasons['Stalled'] | CellReasons['Stalled']
  return reason === 'Moving' ? [] : [{ reason: obstacleReasons[reason], note: is.message }]
}

function cellNews(before: RealmStatus | undefined, { endpoints = [] }: RealmStatus): News[] {
  const changed = endpoints.filter(({ cell, state }) => before?.endpoints?.find((known) => known.cell === cell)?.state !== state)
  const cellsIn = (state: string) => changed.filter((endpoint) => endpoint.state === state).map(({ cell }) => cell)
  const told = (reason: News['reason'], cells: string[], what: string): News[] =>
    cells.length > 0 ? [{ reason, note: `${cells.join(', ')} ${what}` }] : []
  return [
    ...told('CellServing', cellsIn('Serving'), 'can take players'),
    ...told('CellDraining', cellsIn('Draining'), 'takes no new players'),
    ...told('CellUnhealthy', cellsIn('Unhealthy'), 'can take players no more'),
  ]
}

function scaleNews({ autoscale: was }: RealmStatus = {}, { autoscale: is }: RealmStatus): News[] {
  if (!is || (was?.reason === is.reason && was.message === is.message && was.changedAt === is.changedAt)) return []
  const note = is.message
  if (is.reason === 'MorePlayers') return [{ reason: 'ScaledUp', note }]
  if (is.reason === 'FewerPlayers') return [{ reason: 'ScaledDown', note }]
  return is.reason === 'AtMaximum' ? [{ reason: 'ScaleLimited', note }] : []
}

function publicationNews(before: RealmStatus | undefined, after: RealmStatus): News[] {
  const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, 'Published'))
  if (!is || (was?.status === is.status && was.reason === is.reason)) return []
  if (is.reason === 'ProviderUnreachable') return [{ reason: 'PublishFailed', note: is.message }]
  if (is.status === 'True') return was?.status === 'True' ? [] : [{ reason: 'EndpointPublished', note: is.message }]
  return was?.status === 'True' ? [{ reason: 'EndpointUnpublished', note: is.message }] : []
}
