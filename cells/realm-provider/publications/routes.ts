import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { type CatalystProblems, EPOCH_HEADER, type PublicationReceipt } from '../../../crds/publication.ts'
import { Refusal } from '../../chassis/errors.ts'
import { type HttpRequest, json, type Route, route } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { ProviderMetrics } from '../metrics.ts'
import { parseDocument } from './document.ts'
import type { PublicationLease, PublicationLeases } from './leases.ts'
import { mayTake, type Publisher, publisherOf } from './publishers.ts'
import { isRealmName } from './realm-name.ts'
import type { Replicas } from './replicas.ts'

/** The leases that publishers change, and the configured publishers. */
export interface PublicationRouteDependencies {
  leases: PublicationLeases
  publishers: readonly Publisher[]
  /** The realm that is served under a name now, whichever source it comes from. */
  servedRealm: (realmName: string) => PublishedRealm | undefined
  /** What keeps this provider from using all catalysts of a realm. */
  catalystProblems: (realm: PublishedRealm) => CatalystProblems
  metrics: ProviderMetrics
  /** Learn of each change before the publisher gets its answer. */
  replicas: Pick<Replicas, 'announce' | 'announceEnd'>
}

/**
 * `/publications/{realmName}`: names leased by realms of other clusters. A name is taken with `If-None-Match: *`, and renewed or
 * given back with `If-Match` and the ETag of the last answer, so that an operator that was suspended cannot undo what its
 * successor did. Not even with a fresh ETag, because its epoch shows that it became leader earlier. A publisher sees and changes
 * only names that it took itself.
 */
export function publicationRoutes(dependencies: PublicationRouteDependencies): Route[] {
  const { leases, publishers, metrics, replicas } = dependencies
  const leaseOf = ({ name }: Publisher, { params, query }: Pick<HttpRequest<'realm'>, 'params' | 'query'>) => {
    const publisher = query.get('publisher')
    return leases
      .of(params.realm)
      .find(({ account, document }) => account === name && (publisher === null || document.publisher === publisher))
  }
  const receiptOf = (status: number, lease: PublicationLease): HttpResponse => {
    const served = dependencies.servedRealm(lease.realmName)
    const receipt: PublicationReceipt = {
      publisher: lease.document.publisher,
      expiresAt: new Date(leases.expiresAt(lease)).toISOString(),
      ...(served?.isRemote && dependencies.catalystProblems(served)),
    }
    return json(status, receipt, { etag: lease.etag, 'cache-control': 'no-store' })
  }
  const counted = (outcome: string, answer: HttpResponse): HttpResponse => {
    metrics.publications.inc({ outcome })
    return answer
  }

  return [
    route('GET', '/publications/:realm', (request) => {
      const lease = leaseOf(publisherOf(request, publishers), request)
      return lease ? receiptOf(200, lease) : notPublished
    }),

    route('PUT', '/publications/:realm', async (request) => {
      const publisher = publisherOf(request, publishers)
      const { realm: realmName } = request.params
      if (!isRealmName(realmName)) throw new Refusal('INVALID', 'this is not a valid name of a realm')
      if (!mayTake(publisher, realmName)) throw new Refusal('FORBIDDEN', `'${publisher.name}' may not publish this name`)
      const document = parseDocument(await request.body())
      const claim = { account: publisher.name, document }
      if (isHeldByOther(realmName, claim, dependencies)) return counted('taken', taken(realmName, claim, dependencies))
      const known = leases.get(realmName, document.publisher)
      const epoch = epochOf(request)
      if (known && epoch < known.epoch) return counted('superseded', supersededBy(known))
      if (!isExpected(request, known)) return counted('outdated', outdated)
      const lease = leases.put(realmName, publisher.name, document, epoch)
      if (!lease) return counted('full', json(503, { error: 'too many realms are published here' }))
      await replicas.announce(lease)
      return counted(known ? 'renewed' : 'taken_up', receiptOf(known ? 200 : 201, lease))
    }),

    route('DELETE', '/publications/:realm', async (request) => {
      const known = leaseOf(publisherOf(request, publishers), request)
      if (!known) return counted('gone', notPublished)
      if (epochOf(request) < known.epoch) return counted('superseded', supersededBy(known))
      if (request.headers['if-match'] !== known.etag) return counted('outdated', outdated)
      leases.drop(known.realmName, known.document.publisher)
      await replicas.announceEnd(known)
      return counted('given_back', { status: 204 })
    }),
  ]
}

type Claim = Pick<PublicationLease, 'account' | 'document'>
type Holders = Pick<PublicationRouteDependencies, 'leases' | 'servedRealm'>

/** Whether another realm has the name: one that leased it, or one of this cluster, which may have had the name before. */
function isHeldByOther(realmName: string, claim: Claim, { leases, servedRealm }: Holders): boolean {
  if (leases.isHeldByOther(realmName, claim)) return true
  const served = servedRealm(realmName)
  if (served === undefined || (served.isShared && claim.document.shared)) return false
  return !(served.isRemote && leases.of(realmName).length > 0)
}

/** The answer names the holder, unless that is a realm of another publisher. */
function taken(realmName: string, { account }: Claim, { leases, servedRealm }: Holders): HttpResponse {
  const [lease] = leases.of(realmName)
  if (lease) return takenBy(lease.account === account ? lease.document.realm : undefined)
  const served = servedRealm(realmName)
  return takenBy(served && !served.isRemote ? served.key : undefined)
}

const notPublished = json(404, { error: 'this name is not published' })

const outdated = json(412, { error: 'the publication has changed since' })

const takenBy = (holder: ObjectKey | undefined): HttpResponse =>
  json(409, { error: 'the name is taken', ...(holder && { holder: keyText(holder) }) })

const supersededBy = ({ epoch }: PublicationLease): HttpResponse =>
  json(412, { error: 'an operator that became leader later has changed this publication', epoch })

/** When the publisher became leader, in milliseconds since the epoch; 0 without the header. @throws Refusal INVALID */
function epochOf({ headers }: Pick<HttpRequest, 'headers'>): number {
  const epoch = headers[EPOCH_HEADER] ?? '0'
  if (typeof epoch !== 'string' || !/^\d{1,15}$/.test(epoch))
    throw new Refusal('INVALID', `${EPOCH_HEADER} is a number of milliseconds`)
  return Number(epoch)
}

const isExpected = ({ headers }: Pick<HttpRequest, 'headers'>, known: PublicationLease | undefined): boolean =>
  known ? headers['if-match'] === known.etag : headers['if-none-match'] === '*'
