import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { keyText } from '../../../crds/object.ts'
import type { PublicationDocument } from '../../../crds/publication.ts'
import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import { type PublishedRealm, publishedRemoteRealm } from '../core/published-realm.ts'
import type { RealmSource } from '../sources/realm-source.ts'

/** A name that is held for a while. */
export interface PublicationLease {
  realmName: string
  document: PublicationDocument
  /** Changes with every renewal, so that of two who believe to hold the name only the last is believed. */
  etag: string
  /** Since when whoever spoke last leads its operators; nobody who led earlier is heard. */
  epoch: number
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** When the name was taken; renewals leave it. */
  since: number
}

/** Names leased by realms elsewhere, in memory: who publishes here renews within the time it asked for anyway. */
export interface Leases extends RealmSource {
  get(realmName: string): PublicationLease | undefined
  all(): readonly PublicationLease[]
  /** Takes or renews a name; nothing when there are too many. */
  put(realmName: string, document: PublicationDocument, epoch: number): PublicationLease | undefined
  /** Takes a lease over as another replica gave it; somebody else's, or an earlier leader's, under a name that is held here is left out. */
  adopt(lease: Omit<PublicationLease, 'expiresAt'> & { remainingMs: number }): void
  /** A lease as another replica adopts it: clocks differ, spans do not. */
  toWire(lease: PublicationLease): Parameters<Leases['adopt']>[0]
  drop(realmName: string): void
}

/** Names held at once, whatever publishers do. */
const MAX_LEASES = 10_000

/** No lease yet. */
export function createLeases({ clock, log }: { clock: Clock; log: Log }): Leases {
  const leases = new Map<string, { lease: PublicationLease; published: PublishedRealm; cancel: () => void }>()
  const listeners = new Set<() => void>()
  const origin = randomBytes(6).toString('base64url')
  let count = 0

  function keep(lease: PublicationLease): PublicationLease {
    const { realmName, document } = lease
    const known = leases.get(realmName)
    known?.cancel()
    // What did not change stays the same object: answers made from it are still good.
    const isSame = known !== undefined && known.lease.since === lease.since && sameRealm(known.lease.document, document)
    const published = isSame ? known.published : publishedRemoteRealm(realmName, document, new Date(lease.since).toISOString())
    const cancel = clock.after(Math.max(0, lease.expiresAt - clock.now()), () => {
      log.warn({ realm: realmName, publisher: keyText(document.realm) }, 'nobody renewed a published realm: it is gone')
      drop(realmName)
    })
    leases.set(realmName, { lease, published, cancel })
    if (!isSame) tell()
    return lease
  }

  function drop(realmName: string): void {
    const known = leases.get(realmName)
    known?.cancel()
    if (leases.delete(realmName)) tell()
  }

  const tell = () => {
    for (const listener of listeners) listener()
  }
  return {
    get: (realmName) => leases.get(realmName)?.lease,
    all: () => Array.from(leases.values(), ({ lease }) => lease),
    put(realmName, document, epoch) {
      const known = leases.get(realmName)?.lease
      if (!known && leases.size >= MAX_LEASES) return undefined
      const etag = `"${createHash('sha256').update(`${origin} ${++count}`).digest('base64url').slice(0, 16)}"`
      const since = known?.document.publisher === document.publisher ? known.since : clock.now()
      return keep({ realmName, document, etag, epoch, expiresAt: clock.now() + document.ttlSeconds * 1_000, since })
    },
    adopt(lease) {
      const known = leases.get(lease.realmName)?.lease
      if (known ? known.document.publisher !== lease.document.publisher : leases.size >= MAX_LEASES) return
      if (known && known.epoch > lease.epoch) return
      const { remainingMs, ...kept } = lease
      keep({ ...kept, expiresAt: clock.now() + remainingMs })
    },
    toWire: ({ expiresAt, ...lease }) => ({ ...lease, remainingMs: Math.max(0, expiresAt - clock.now()) }),
    drop,
    realms: () => Array.from(leases.values(), ({ published }) => published),
    ready: () => true,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const { cancel } of leases.values()) cancel()
      leases.clear()
      listeners.clear()
    },
  }
}

const sameRealm = ({ ttlSeconds: _, ...a }: PublicationDocument, { ttlSeconds: __, ...b }: PublicationDocument): boolean =>
  isDeepStrictEqual(a, b)
