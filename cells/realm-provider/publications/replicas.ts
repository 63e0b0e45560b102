import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { request } from 'undici'
import { z } from 'zod'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import { ok, type Route, route } from '../../chassis/http.ts'
import type { Log } from '../../chassis/log.ts'
import { checkDocument, parseJson } from './document.ts'
import type { Leases, PublicationLease } from './leases.ts'
import { isToken } from './routes.ts'

/** The other replicas of this realm provider: a publisher speaks to one of them, players to all. */
export interface Replicas {
  /** Tells them what became of a name; resolves when each knows or will not hear. */
  announce(realmName: string, lease: PublicationLease | undefined): Promise<void>
  /** Learns what they hold; resolves when each was asked. */
  sync(): Promise<void>
  /** What they ask of us. */
  routes: Route[]
}

/** What speaking to them takes. */
export interface ReplicaOptions {
  leases: Leases
  /** The bearer token publishers know, and replicas too. */
  token: string
  /** `host:port`, each of which may have any number of addresses. */
  addresses: readonly string[]
  log: Log
}

const TIMEOUT_MS = 1_000
const MAX_REPLICAS = 16

const leaseSchema = z.object({
  realmName: z.string().min(1).max(63),
  document: z.unknown(),
  etag: z.string().max(64),
  epoch: z.number().int().min(0),
  since: z.number(),
  remainingMs: z.number().min(0).max(3_600_000),
})

/** Replicas found by name. Each tells the others at once; one that was away asks them when it is back. */
export function createReplicas({ leases, token, addresses, log }: ReplicaOptions): Replicas {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const ask = async (base: string, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await request(`${base}${path}`, { method, headers, signal, body: body ? JSON.stringify(body) : null })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`answered ${answer.statusCode}`)
    return text ? JSON.parse(text) : undefined
  }
  const everyPeer = async (what: (base: string) => Promise<unknown>): Promise<void> => {
    const found = await Promise.all(addresses.map(basesOf))
    const outcomes = await Promise.allSettled(found.flat().slice(0, MAX_REPLICAS).map(what))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') log.warn({ error: messageOf(outcome.reason) }, 'another replica does not hear of leases')
  }
  const admitted = (authorization: string | undefined): void => {
    if (!isToken(authorization, token)) throw new Refusal('UNAUTHORIZED', 'this is for the replicas of this realm provider')
  }
  const pathOf = (realmName: string) => `/publications/${encodeURIComponent(realmName)}/replica`

  return {
    announce: (realmName, lease) =>
      everyPeer((base) =>
        lease ? ask(base, 'PUT', pathOf(realmName), leases.toWire(lease)) : ask(base, 'DELETE', pathOf(realmName)),
      ),
    sync: () =>
      everyPeer(async (base) => {
        const known = z
          .array(z.unknown())
          .max(10_000)
          .parse(await ask(base, 'GET', '/publications'))
        for (const wire of known) {
          const lease = parseLease(wire)
          if (!leases.get(lease.realmName)) leases.adopt(lease)
        }
      }),
    routes: [
      route('GET', '/publications', ({ headers: { authorization } }) => {
        admitted(authorization)
        return ok(leases.all().map(leases.toWire))
      }),
      route('PUT', '/publications/:realm/replica', async ({ headers: { authorization }, body }) => {
        admitted(authorization)
        leases.adopt(parseLease(parseJson(await body())))
        return { status: 204 }
      }),
      route('DELETE', '/publications/:realm/replica', ({ headers: { authorization }, params }) => {
        admitted(authorization)
        leases.drop(params.realm)
        return { status: 204 }
      }),
    ],
  }
}

async function basesOf(address: string): Promise<string[]> {
  const [, host = '', port = '80'] = /^(.*?)(?::(\d+))?$/.exec(address) ?? []
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address: ip }) => `http://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`)
}

/** @throws Refusal INVALID when it is no lease */
function parseLease(wire: unknown): Parameters<Leases['adopt']>[0] {
  const parsed = leaseSchema.safeParse(wire)
  if (!parsed.success) throw new Refusal('INVALID', 'this is no lease')
  return { ...parsed.data, document: checkDocument(parsed.data.document) }
}
