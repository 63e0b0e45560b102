import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { request } from 'undici'
import { z } from 'zod'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import { type HttpRequest, json, ok, type Route, route } from '../../chassis/http.ts'
import type { Log } from '../../chassis/log.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import { requireToken } from './bearer-token.ts'
import { checkDocument, parseJson } from './document.ts'
import type { EndedLease, PublicationLease, PublicationLeases, ReplicatedLease } from './leases.ts'
import { publisherName } from './publishers.ts'
import { isRealmName } from './realm-name.ts'

/** The token that replicas authenticate with is their own: no publisher knows it. */
export interface ReplicaOptions {
  leases: PublicationLeases
  token: string
  /** `host:port`, each of which may have any number of addresses. */
  addresses: readonly string[]
  log: Log
}

const TIMEOUT_MS = 1_000
const MAX_REPLICAS = 16
const MAX_SYNCED_LEASES = 10_000

/** Milliseconds since the epoch, with as many digits as publishers may send. */
const MAX_TIME = 999_999_999_999_999

const leaseSchema = z.object({
  realmName: z.string().refine(isRealmName),
  account: publisherName,
  document: z.unknown(),
  // It becomes a header of answers.
  etag: z.string().regex(/^"[\w-]{1,32}"$/),
  epoch: z.number().int().min(0).max(MAX_TIME),
  since: z.number().int().min(0).max(MAX_TIME),
  renewedAt: z.number().int().min(0).max(MAX_TIME),
  remainingMs: z.number().min(0).max(3_600_000),
})

const endedSchema = leaseSchema.pick({ account: true, epoch: true, renewedAt: true }).extend({ publisher: z.string() })

/**
 * The other replicas of this realm provider: a publisher sends its requests to one of them, while players read from all. Each
 * announces changed leases to the others at once, and a replica that starts reads theirs. A replica that cannot be reached is
 * logged and skipped.
 */
export class Replicas {
  readonly #options: ReplicaOptions

  constructor(options: ReplicaOptions) {
    this.#options = options
  }

  /** Sends a lease to the other replicas; resolves when each has it or has failed. */
  announce(lease: PublicationLease): Promise<void> {
    return this.#withEach((base) => this.#send(base, 'PUT', pathOf(lease), this.#options.leases.replicated(lease)))
  }

  /** Tells the other replicas which lease was given back: one of them may have a later one already. */
  announceEnd(lease: PublicationLease): Promise<void> {
    const { account, epoch, renewedAt, document } = lease
    const ended: EndedLease = { account, epoch, renewedAt, publisher: document.publisher }
    return this.#withEach((base) => this.#send(base, 'DELETE', pathOf(lease), ended))
  }

  /** Reads the leases of the other replicas; resolves when each has answered or has failed. */
  sync(): Promise<void> {
    const { leases } = this.#options
    return this.#withEach(async (base) => {
      const answer = await this.#send(base, 'GET', '/publications')
      for (const body of z.array(z.unknown()).max(MAX_SYNCED_LEASES).parse(answer)) {
        const lease = parseLease(body)
        if (!leases.get(lease.realmName, lease.document.publisher)) leases.adopt(lease)
      }
    })
  }

  async #withEach(run: (base: string) => Promise<unknown>): Promise<void> {
    const { addresses, log } = this.#options
    const bases = await Promise.all(addresses.map(resolveBases))
    const outcomes = await Promise.allSettled(bases.flat().slice(0, MAX_REPLICAS).map(run))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        log.warn({ error: messageOf(outcome.reason) }, 'leases could not be exchanged with another replica')
  }

  async #send(
    base: string,
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    body?: ReplicatedLease | EndedLease,
  ): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#options.token}`, 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await request(`${base}${path}`, { method, headers, signal, body: body ? JSON.stringify(body) : null })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`answered ${answer.statusCode}`)
    return text ? JSON.parse(text) : undefined
  }
}

/** The leases, and the realm that has a name now. */
export interface ReplicaRouteDependencies extends Pick<ReplicaOptions, 'leases' | 'token'> {
  servedRealm: (realmName: string) => PublishedRealm | undefined
}

/**
 * The routes that `Replicas` of the other processes call. They belong on a port that is not public: what they change is not
 * checked against a publisher.
 */
export function replicaRoutes({ leases, token, servedRealm }: ReplicaRouteDependencies): Route[] {
  const authorize = (incoming: Pick<HttpRequest, 'headers'>) =>
    requireToken(incoming, token, 'only replicas of this realm provider may call this')
  return [
    route('GET', '/publications', (incoming) => {
      authorize(incoming)
      return ok(leases.all().map((lease) => leases.replicated(lease)))
    }),
    route('PUT', '/publications/:realm/replica', async (incoming) => {
      authorize(incoming)
      const lease = parseLease(parseJson(await incoming.body()))
      if (lease.realmName !== incoming.params.realm) throw new Refusal('INVALID', 'the lease is of another name')
      const served = servedRealm(lease.realmName)
      // As for a publisher: a lease never takes the name from a Realm of this cluster, however old it says it is.
      if (served && !served.isRemote && !(served.isShared && lease.document.shared))
        return json(409, { error: 'the name is taken' })
      leases.adopt(lease)
      return { status: 204 }
    }),
    route('DELETE', '/publications/:realm/replica', async (incoming) => {
      authorize(incoming)
      const ended = endedSchema.safeParse(parseJson(await incoming.body()))
      if (!ended.success) throw new Refusal('INVALID', 'the body does not say which lease ended')
      leases.dropEnded(incoming.params.realm, ended.data)
      return { status: 204 }
    }),
  ]
}

const pathOf = ({ realmName }: PublicationLease): string => `/publications/${encodeURIComponent(realmName)}/replica`

async function resolveBases(address: string): Promise<string[]> {
  const [, host = '', port = '80'] = /^(.*?)(?::(\d+))?$/.exec(address) ?? []
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address: ip }) => `http://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`)
}

/** @throws Refusal INVALID when it is not a lease */
function parseLease(body: unknown): ReplicatedLease {
  const parsed = leaseSchema.safeParse(body)
  if (!parsed.success) throw new Refusal('INVALID', 'the body is not a lease')
  return { ...parsed.data, document: checkDocument(parsed.data.document) }
}
