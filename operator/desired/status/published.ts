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
  if (serving === 0) return no('NothingToPublish', 'no cell serves players')
  const wasPublished = conditionOf(realm, type)?.status === 'True'
  const taken = (where: string) => no('NameTaken', `another realm has the name ${realmNameOf(realm)}: ${where}`)

  if (sighting.state === 'taken') return taken(`${sighting.aboutUrl} leads to ${sighting.adapter}`)
  if (sighting.state === 'unreachable') return unsure(`${sighting.aboutUrl}: ${sighting.message}`)
  // A new operator has not looked yet: what the last one saw stands until it has.
  const stands = sighting.state === 'unknown' && wasPublished
  if (sighting.state !== 'serving' && !stands) return no('WaitingForProvider', `not seen yet at ${sighting.aboutUrl}`)

  for (const lease of leases) {
    if (lease.state === 'taken') return taken(`at ${lease.url} it is ${lease.holder || 'somebody else'}’s`)
    if (lease.state === 'unreachable') return unsure(`${lease.url}: ${lease.message}`)
    if (lease.state === 'unknown') return no('ProviderUnknown', `the operator was not installed with the provider ${lease.url}`)
    if (lease.state === 'asking' && !wasPublished) return no('WaitingForProvider', `${lease.url} has not answered yet`)
  }
  const elsewhere = leases.map(({ url }) => url)
  return {
    type,
    status: 'True',
    reason: 'SeenServing',
    message: [`seen at ${sighting.aboutUrl}`, ...(elsewhere.length > 0 ? [`published at ${elsewhere.join(', ')}`] : [])].join(
      '; ',
    ),
  }
}
