import { conditionOf, type Realm, type RealmReasons, realmNameOf } from '../../../crds/realm.ts'
import type { Lease, Sighting } from '../../observed/publication.ts'
import type { Claim } from './conditions.ts'

/** What is known of the publication of a realm. */
export interface PublicationFacts {
  realm: Realm
  /** Cells that serve players. */
  serving: number
  sighting: Sighting
  leases?: readonly Lease[]
}

/** Whether a realm is published everywhere it should be; if not, the first place where it is not, the cluster's own before others. */
export function publishedClaim({ realm, serving, sighting, leases = [] }: PublicationFacts): Claim<RealmReasons> {
  const type = 'Published'
  const no = (reason: RealmReasons['Published'], message: string) => ({ type, status: 'False', reason, message }) as const
  const unsure = (message: string) => ({ type, status: 'Unknown', reason: 'ProviderUnreachable', message }) as const
  if (serving === 0) return no('NothingToPublish', 'no cell serves players, so there is nothing to publish')
  const wasPublished = conditionOf(realm, type)?.status === 'True'
  const taken = (where: string) => no('NameTaken', `another realm is published as ${realmNameOf(realm)}: ${where}`)

  if (sighting.state === 'taken') return taken(`${sighting.aboutUrl} serves ${sighting.adapter}`)
  if (sighting.state === 'unreachable') return unsure(`the operator cannot reach ${sighting.aboutUrl}: ${sighting.message}`)
  // A new operator has not looked yet: what the last one saw stands until it has.
  const stands = sighting.state === 'unknown' && wasPublished
  if (sighting.state !== 'serving' && !stands)
    return no('WaitingForProvider', `the realm provider does not serve the realm yet at ${sighting.aboutUrl}`)

  for (const lease of leases) {
    if (lease.state === 'taken') return taken(`at ${lease.url} the name is held by ${lease.holder || 'another publisher'}`)
    if (lease.state === 'unreachable') return unsure(`the operator cannot reach ${lease.url}: ${lease.message}`)
    if (lease.state === 'unknown')
      return no(
        'ProviderNotConfigured',
        `the operator is not configured for ${lease.url}: add it to the value publication.providers of its chart`,
      )
    if (lease.state === 'asking' && !wasPublished)
      return no('WaitingForProvider', `the realm provider ${lease.url} has not answered yet`)
  }
  const elsewhere = leases.map(({ url }) => url)
  return {
    type,
    status: 'True',
    reason: 'ServedByProvider',
    message: [`served at ${sighting.aboutUrl}`, ...(elsewhere.length > 0 ? [`published at ${elsewhere.join(', ')}`] : [])].join(
      '; ',
    ),
  }
}
