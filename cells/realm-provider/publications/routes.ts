import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { EPOCH_HEADER, type PublicationReceipt } from '../../../crds/publication.ts'
import { Refusal } from '../../chassis/errors.ts'
import { type HttpRequest, type HttpResponse, json, type Route, route } from '../../chassis/http.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { ProviderMetrics } from '../metrics.ts'
import { requireToken } from './bearer-token.ts'
import { parseDocument } from './document.ts'
import type { PublicationLease, PublicationLeases } from './leases.ts'
import type { Replicas } from './replicas.ts'

/** The leases that publishers change, and the bearer token they authenticate with. */
export interface PublicationRouteDependencies {
  leases: PublicationLeases
  token: string
  /** The realm that is served under a name now, whichever source it comes from. */
  servedRealm: (realmName: string) => PublishedRealm | undefined
  metrics: ProviderMetrics
  /** Learn of each change before the publisher gets its answer. */
  replicas: Pick<Replicas, 'announce'>
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
/** First segments of paths that the realm provider serves itself. */
const RESERVED = new Set(['realms', 'ping', 'status', 'hot-scenes', 'health', 'metrics', 'console', 'cells', 'publications'])

/**
 * `/publications/{realmName}`: names leased by realms of other clusters. A name is taken with `If-None-Match: *`, and renewed or
 * given back with `If-Match` and the ETag of the last answer, so that an operator that was suspended cannot undo what its
 * successor did. Not even with a fresh ETag, because its epoch shows that it became leader earlier.
 */
export function publicationRoutes(dependencies: PublicationRouteDependencies): Route[] {
  const { leases, token, metrics, replicas } = dependencies
  const authorize = (request: Pick<HttpRequest, 'headers'>) => requireToken(request, token, 'publishing needs a bearer token')
  const counted = (outcome: string, answer: HttpResponse): HttpResponse => {
    metrics.publications.inc({ outcome })
    return answer
  }

  return [
    route('GET', '/publications/:realm', (request) => {
      authorize(request)
      const lease = leases.get(request.params.realm)
      return lease ? receiptOf(200, lease) : notPublished
    }),

    route('PUT', '/publications/:realm', async (request) => {
      authorize(request)
      const { realm: realmName } = request.params
      if (!NAME.test(realmName) || RESERVED.has(realmName)) throw new Refusal('INVALID', 'this is not a valid name of a realm')
      const document = parseDocument(await request.body())
      const known = leases.get(realmName)
      const holder = otherHolder(realmName, document.publisher, dependencies)
      if (holder) return counted('taken', takenBy(holder))
      const epoch = epochOf(request)
      if (known && epoch < known.epoch) return counted('superseded', supersededBy(known))
      if (!isExpected(request, known)) return counted('outdated', outdated)
      const lease = leases.put(realmName, document, epoch)
      if (!lease) return counted('full', json(503, { error: 'too many realms are published here' }))
      await replicas.announce(realmName, lease)
      return counted(known ? 'renewed' : 'taken_up', receiptOf(known ? 200 : 201, lease))
    }),

    route('DELETE', '/publications/:realm', async (request) => {
      authorize(request)
      const known = leases.get(request.params.realm)
      if (!known) return counted('gone', notPublished)
      if (epochOf(request) < known.epoch) return counted('superseded', supersededBy(known))
      if (request.headers['if-match'] !== known.etag) return counted('outdated', outdated)
      leases.drop(request.params.realm)
      await replicas.announce(request.params.realm, undefined)
      return counted('given_back', { status: 204 })
    }),
  ]
}

/**
 * The realm that keeps a publisher from having a name: one that leased it, or one of this cluster, which may have had the name
 * before.
 */
function otherHolder(
  realmName: string,
  publisher: string,
  { leases, servedRealm }: Pick<PublicationRouteDependencies, 'leases' | 'servedRealm'>,
): ObjectKey | undefined {
  const lease = leases.get(realmName)
  if (lease && lease.document.publisher !== publisher) return lease.document.realm
  const served = servedRealm(realmName)
  return served && !(served.isRemote && lease) ? served.key : undefined
}

const notPublished = json(404, { error: 'this name is not published' })

const outdated = json(412, { error: 'the publication has changed since' })

const takenBy = (holder: ObjectKey): HttpResponse => json(409, { error: 'the name is taken', holder: keyText(holder) })

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

function receiptOf(status: number, { document, expiresAt, etag }: PublicationLease): HttpResponse {
  const receipt: PublicationReceipt = { publisher: document.publisher, expiresAt: new Date(expiresAt).toISOString() }
  return json(status, receipt, { etag, 'cache-control': 'no-store' })
}
