import { createHash, timingSafeEqual } from 'node:crypto'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { EPOCH_HEADER, type PublicationReceipt } from '../../../crds/publication.ts'
import { Refusal } from '../../chassis/errors.ts'
import { type Answer, type Ask, json, type Route, route } from '../../chassis/http.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { ProviderMetrics } from '../metrics.ts'
import { parseDocument } from './document.ts'
import type { Leases, PublicationLease } from './leases.ts'

/** What the routes of publishers need. */
export interface PublicationRouteDependencies {
  leases: Leases
  /** The bearer token publishers know. */
  token: string
  /** Who is served under a name now, wherever it is known from. */
  holder: (realmName: string) => PublishedRealm | undefined
  metrics: ProviderMetrics
  /** Tells the other replicas what became of a name; resolves when they know, or will not hear. */
  announceToReplicas?: (realmName: string, lease: PublicationLease | undefined) => Promise<void>
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const RESERVED = new Set(['realms', 'ping', 'status', 'hot-scenes', 'health', 'metrics', 'console', 'cells', 'publications'])

/**
 * `/publications/{realmName}`: names leased by realms elsewhere. A name is taken with `If-None-Match: *`, and renewed or given back with
 * `If-Match` and the ETag of the last answer, so that an operator that was asleep cannot undo what its successor did; not even after it
 * learned the ETag, because its epoch tells that it led earlier.
 */
export function publicationRoutes({ leases, token, holder, metrics, announceToReplicas }: PublicationRouteDependencies): Route[] {
  const admitted = (ask: Pick<Ask, 'headers'>): void => {
    if (!isToken(ask.headers.authorization, token)) throw new Refusal('UNAUTHORIZED', 'publishing needs a bearer token')
  }
  const told = (outcome: string, answer: Answer): Answer => {
    metrics.publications.inc({ outcome })
    return answer
  }

  return [
    route('GET', '/publications/:realm', (ask) => {
      admitted(ask)
      const lease = leases.get(ask.params.realm)
      return lease ? receiptOf(200, lease) : json(404, { error: 'nobody publishes this name' })
    }),

    route('PUT', '/publications/:realm', async (ask) => {
      admitted(ask)
      const { realm: realmName } = ask.params
      if (!NAME.test(realmName) || RESERVED.has(realmName)) throw new Refusal('INVALID', 'this is no name for a realm')
      const document = parseDocument(await ask.body())
      const known = leases.get(realmName)
      if (known && known.document.publisher !== document.publisher) return told('taken', takenBy(known.document.realm))
      const served = holder(realmName)
      // A Realm of this cluster may have had the name before.
      if (served && !(served.isRemote && known)) return told('taken', takenBy(served.key))
      const epoch = epochOf(ask)
      if (known && epoch < known.epoch) return told('superseded', supersededBy(known))
      if (!isExpected(ask, known)) return told('outdated', json(412, { error: 'the publication is another one by now' }))
      const lease = leases.put(realmName, document, epoch)
      if (!lease) return told('full', json(503, { error: 'too many realms are published here' }))
      await announceToReplicas?.(realmName, lease)
      return told(known ? 'renewed' : 'taken_up', receiptOf(known ? 200 : 201, lease))
    }),

    route('DELETE', '/publications/:realm', async (ask) => {
      admitted(ask)
      const known = leases.get(ask.params.realm)
      if (!known) return told('gone', json(404, { error: 'nobody publishes this name' }))
      if (epochOf(ask) < known.epoch) return told('superseded', supersededBy(known))
      if (ask.headers['if-match'] !== known.etag)
        return told('outdated', json(412, { error: 'the publication is another one by now' }))
      leases.drop(ask.params.realm)
      await announceToReplicas?.(ask.params.realm, undefined)
      return told('given_back', { status: 204 })
    }),
  ]
}

const takenBy = (holder: ObjectKey): Answer => json(409, { error: 'the name is taken', holder: keyText(holder) })

const supersededBy = ({ epoch }: PublicationLease): Answer =>
  json(412, { error: 'an operator that led later spoke for this name', epoch })

/** Since when the publisher leads; 0 = it does not say. @throws Refusal INVALID */
function epochOf({ headers }: Pick<Ask, 'headers'>): number {
  const given = headers[EPOCH_HEADER] ?? '0'
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given))
    throw new Refusal('INVALID', `${EPOCH_HEADER} is a number of milliseconds`)
  return Number(given)
}

const isExpected = ({ headers }: Pick<Ask, 'headers'>, known: PublicationLease | undefined): boolean =>
  known ? headers['if-match'] === known.etag : headers['if-none-match'] === '*'

function receiptOf(status: number, { document, expiresAt, etag }: PublicationLease): Answer {
  const receipt: PublicationReceipt = { publisher: document.publisher, expiresAt: new Date(expiresAt).toISOString() }
  return json(status, receipt, { etag, 'cache-control': 'no-store' })
}

/** Whether a header holds the token, in a time that says nothing about how much of it was right. */
export function isToken(authorization: string | undefined, token: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`))
}
