import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { keyText } from '../../../crds/object.ts'
import type { PublicationDocument } from '../../../crds/publication.ts'
import type { Clock } from '../../chassis/clock.ts'
import { Listeners } from '../../chassis/listeners.ts'
import type { Log } from '../../chassis/log.ts'
import { type PublishedRealm, publishedRemoteRealm } from '../core/published-realm.ts'
import type { RealmSource } from '../sources/realm-source.ts'

/** A realm name that a realm of another cluster holds for a limited time. */
export interface PublicationLease {
  realmName: string
  document: PublicationDocument
  /** Changes with every renewal, so that of two publishers that hold an ETag only the one with the latest can renew. */
  etag: string
  /**
   * When the operator that last renewed became leader, in milliseconds since the epoch; renewals by an earlier leader are
   * refused.
   */
  epoch: number
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** When the name was taken, in milliseconds since the epoch; renewals do not change it. */
  since: number
}

/** A lease as replicas exchange it: with the remaining time, because their clocks differ. */
export type ReplicatedLease = Omit<PublicationLease, 'expiresAt'> & { remainingMs: number }

/** Most names held at a time, so that publishers cannot use up the memory. */
const MAX_LEASES = 10_000

interface Entry {
  lease: PublicationLease
  published: PublishedRealm
  cancelExpiry: () => void
}

/** Names leased by realms of other clusters. They are kept in memory only: publishers renew within the lease time in any case. */
export class PublicationLeases implements RealmSource {
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Listeners()
  readonly #clock: Clock
  readonly #log: Log
  /** Differs from replica to replica, so that no two of them ever issue the same ETag. */
  readonly #replicaId = randomBytes(6).toString('base64url')
  #lastRenewal = 0

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock
    this.#log = log
  }

  get(realmName: string): PublicationLease | undefined {
    return this.#entries.get(realmName)?.lease
  }

  all(): readonly PublicationLease[] {
    return Array.from(this.#entries.values(), ({ lease }) => lease)
  }

  /** Takes or renews a name; returns undefined when there are too many. */
  put(realmName: string, document: PublicationDocument, epoch: number): PublicationLease | undefined {
    const known = this.get(realmName)
    if (!known && this.#entries.size >= MAX_LEASES) return undefined
    const now = this.#clock.now()
    const since = known?.document.publisher === document.publisher ? known.since : now
    const lease = { realmName, document, etag: this.#nextEtag(), epoch, expiresAt: now + document.ttlSeconds * 1_000, since }
    this.#keep(lease)
    return lease
  }

  /** Takes over a lease from another replica, unless the name is held by another publisher or was renewed by a later leader. */
  adopt({ remainingMs, ...lease }: ReplicatedLease): void {
    const known = this.get(lease.realmName)
    if (known ? known.document.publisher !== lease.document.publisher : this.#entries.size >= MAX_LEASES) return
    if (known && known.epoch > lease.epoch) return
    this.#keep({ ...lease, expiresAt: this.#clock.now() + remainingMs })
  }

  /** A lease as another replica takes it over with `adopt`. */
  replicated({ expiresAt, ...lease }: PublicationLease): ReplicatedLease {
    return { ...lease, remainingMs: Math.max(0, expiresAt - this.#clock.now()) }
  }

  drop(realmName: string): void {
    this.#entries.get(realmName)?.cancelExpiry()
    if (this.#entries.delete(realmName)) this.#listeners.notify()
  }

  realms(): readonly PublishedRealm[] {
    return Array.from(this.#entries.values(), ({ published }) => published)
  }

  ready(): boolean {
    return true
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  async stop(): Promise<void> {
    for (const { cancelExpiry } of this.#entries.values()) cancelExpiry()
    this.#entries.clear()
    this.#listeners.clear()
  }

  #keep(lease: PublicationLease): void {
    const { realmName, document } = lease
    const known = this.#entries.get(realmName)
    known?.cancelExpiry()
    // An unchanged realm stays the same object, so that answers made from it stay valid.
    const isSame = known !== undefined && known.lease.since === lease.since && isSameRealm(known.lease.document, document)
    const published = isSame ? known.published : publishedRemoteRealm(realmName, document, new Date(lease.since).toISOString())
    const cancelExpiry = this.#clock.after(Math.max(0, lease.expiresAt - this.#clock.now()), () => {
      this.#log.warn({ realm: realmName, publisher: keyText(document.realm) }, 'a publication was not renewed and has expired')
      this.drop(realmName)
    })
    this.#entries.set(realmName, { lease, published, cancelExpiry })
    if (!isSame) this.#listeners.notify()
  }

  #nextEtag(): string {
    const digest = createHash('sha256')
      .update(`${this.#replicaId} ${++this.#lastRenewal}`)
      .digest('base64url')
    return `"${digest.slice(0, 16)}"`
  }
}

const isSameRealm = ({ ttlSeconds: _, ...a }: PublicationDocument, { ttlSeconds: __, ...b }: PublicationDocument): boolean =>
  isDeepStrictEqual(a, b)
