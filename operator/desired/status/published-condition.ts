import type { ObjectKey } from '../../../crds/object.ts'
import { conditionOf, type Realm, type RealmReasons, realmNameOf } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import type { PublicationStatus, RemotePublicationStatus } from '../../observed/publication-status.ts'
import { addressTakenMessage } from './address-taken.ts'
import type { ConditionDraft } from './conditions.ts'

interface PublicationInput {
  realm: Realm
  /** Cells that serve players. */
  serving: number
  /** At the realm provider of this cluster. */
  publication: PublicationStatus
  /** At realm providers of other clusters. */
  remotePublications?: readonly RemotePublicationStatus[]
  /** The realm that has the public address. */
  addressTakenBy?: ObjectKey | undefined
}

/**
 * Whether a realm is published at every realm provider it names. If not, the message is about the first one where it is not; the provider
 * of this cluster comes first.
 */
export function publishedCondition(input: PublicationInput): ConditionDraft<RealmReasons> {
  const { realm, serving, publication, remotePublications = [], addressTakenBy } = input
  const type = 'Published'
  const no = (reason: RealmReasons['Published'], message: string) => ({ type, status: 'False', reason, message }) as const
  const unreachable = (url: string, message: string) =>
    ({ type, status: 'Unknown', reason: 'ProviderUnreachable', message: `the operator cannot reach ${url}: ${message}` }) as const
  const taken = (where: string) => no('NameTaken', `another realm is published as ${realmNameOf(realm)}: ${where}`)
  if (addressTakenBy) return no('AddressTaken', addressTakenMessage(realm, addressTakenBy))
  if (serving === 0)
    return no(
      'NothingToPublish',
      `${isWorldRealm(realm) ? 'no gatekeeper serves the world' : 'no cell serves players'}, so there is nothing to publish`,
    )
  const wasPublished = conditionOf(realm, type)?.status === 'True'

  const { aboutUrl, state } = publication
  if (state === 'taken') return taken(`${aboutUrl} serves ${publication.adapter}`)
  if (state === 'unreachable') return unreachable(aboutUrl, publication.message)
  // An operator that just started has not asked yet: what the last one saw stands until it has.
  const isAssumed = state === 'unknown' && wasPublished
  if (state !== 'serving' && !isAssumed)
    return no('WaitingForProvider', `the realm provider does not serve the realm yet at ${aboutUrl}`)

  for (const remote of remotePublications) {
    const { url } = remote
    if (remote.state === 'taken') return taken(`at ${url} the name is held by ${remote.holder || 'another publisher'}`)
    if (remote.state === 'unreachable') return unreachable(url, remote.message)
    if (remote.state === 'notConfigured')
      return no(
        'ProviderNotConfigured',
        `the operator is not configured for ${url}: add it to the value publication.providers of its chart`,
      )
    if (remote.state === 'pending' && !wasPublished)
      return no('WaitingForProvider', `the realm provider ${url} has not answered yet`)
  }
  const remoteUrls = remotePublications.map(({ url }) => url)
  const published = remoteUrls.length > 0 ? [`published at ${remoteUrls.join(', ')}`] : []
  const problems = catalystProblems(realm, input)
  return {
    type,
    status: 'True',
    reason: 'ServedByProvider',
    message: [`served at ${aboutUrl}`, ...published, ...problems].join('; '),
  }
}

/** Players never get a catalyst that a provider does not use, and nothing else tells the realm so. */
function catalystProblems({ spec }: Realm, { publication, remotePublications = [] }: PublicationInput): string[] {
  const { catalysts, catalystList } = spec.content
  const of = catalystList ? 'the catalysts' : `${catalysts.length} catalysts`
  const providers = [
    ...(publication.state === 'serving' ? [{ ...publication, url: publication.aboutUrl }] : []),
    ...remotePublications.filter((remote) => remote.state === 'held'),
  ]
  const unused = providers.flatMap(({ url, unusedCatalysts = 0 }) =>
    unusedCatalysts > 0 ? [`${url} does not use ${unusedCatalysts} of ${of}`] : [],
  )
  const unread = providers.flatMap(({ url, isListUnreadable }) =>
    isListUnreadable && catalystList ? [`${url} cannot read the list of catalysts at ${catalystList.url}`] : [],
  )
  return [...unused, ...(unused.length > 0 ? [UNUSED_ADVICE] : []), ...unread]
}

const UNUSED_ADVICE =
  'a provider polls 512 catalysts at most, which namespaces share equally: name fewer in spec.content.catalysts, or the same as other realms'
