import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { keyText } from '../../../crds/object.ts'
import type { PublicationDocument } from '../../../crds/publication.ts'
import type { Clock } from '../../chassis/clock.ts'
import { Listeners } from '../../chassis/listeners.ts'
import type { Log } from '../../chassis/log.ts'
import { type PublishedRealm, publishedRemoteRealm } from '../core/published-realm.ts'
import { factsOfRemote, type RealmFacts } from '../core/realm-facts.ts'
import type { RealmSource } from '../sources/realm-source.ts'

/** A realm name that a realm of another cluster holds for a limited time. */
export interface PublicationLease {
  realmName: string
  /** Name of the publisher that took it; no other one may read, change or end it. */
  account: string
  document: PublicationDocument
  /** Changes with every renewal, so that of two publishers that hold an ETag only the one with the latest can renew. */
  etag: string
  /**
   * When the operator that last renewed became leader, in milliseconds since the epoch; renewals by an earlier leader are
   * refused.
   */
  epoch: number
  /** When it ends, by the monotonic clock of this replica. */
  endsAt: number
  /** When the name was taken, in milliseconds since the epoch; renewals do not change it. */
  since: number
  /**
   * Orders the renewals of one leader, also those at different replicas: the time of the renewal in milliseconds since the epoch, but later
   * than every one that the replica knew.
   */
  renewedAt: number
}

/** Which lease of a name a publisher gave back. */
export interface EndedLease extends Pick<PublicationLease, 'account' | 'epoch' | 'renewedAt'> {
  publisher: string
}

/** A lease as replicas exchange it: with the remaining time, because their clocks differ. */
export type ReplicatedLease = Omit<PublicationLease, 'endsAt'> & { remainingMs: number }

/** Most names held at a time, and most bytes of their documents; publishers share both equally. */
const MAX_LEASES = 10_000
const MAX_BYTES = 32 * 1024 * 1024

interface Entry {
  lease: PublicationLease
  bytes: number
  published: PublishedRealm
  cancelExpiry: () => void
}

/** Names leased by realms of other clusters. They are kept in memory only: publishers renew within the lease time in any case. */
export class PublicationLeases implements RealmSource {
  /** By the name, then by the publisher: several only where all of them share the name. */
  readonly #entries = new Map<string, Map<string, Entry>>()
  readonly #listeners = new Listeners()
  readonly #usage = new Map<string, { leases: number; bytes: number }>()
  readonly #accounts: number
  readonly #clock: Clock
  readonly #log: Log
  /** Differs from replica to replica, so that no two of them ever issue the same ETag. */
  readonly #replicaId = randomBytes(6).toString('base64url')
  #renewals = 0
  #lastRenewedAt = 0

  /** @param options.accounts how many publishers share the limits */
  constructor({ clock, log, accounts }: { clock: Clock; log: Log; accounts: number }) {
    this.#accounts = Math.max(1, accounts)
    this.#clock = clock
    this.#log = log
  }

  /** The lease that a publisher has of a name. */
  get(realmName: string, publisher: string): PublicationLease | undefined {
    return this.#entries.get(realmName)?.get(publisher)?.lease
  }

  /** Every lease of a name. */
  of(realmName: string): readonly PublicationLease[] {
    return Array.from(this.#entries.get(realmName)?.values() ?? [], ({ lease }) => lease)
  }

  all(): readonly PublicationLease[] {
    return this.#all().map(({ lease }) => lease)
  }

  /** Takes or renews a name; returns undefined when the publisher has too many. */
  put(realmName: string, account: string, document: PublicationDocument, epoch: number): PublicationLease | undefined {
    const known = this.get(realmName, document.publisher)
    if (!this.#hasRoom(realmName, account, document)) return undefined
    const now = this.#clock.now()
    const since = known?.since ?? now
    const renewedAt = Math.max(now, this.#lastRenewedAt + 1)
    const lease = {
      realmName,
      account,
      document,
      etag: this.#nextEtag(),
      epoch,
      endsAt: this.#clock.monotonic() + document.ttlSeconds * 1_000,
      since,
      renewedAt,
    }
    this.#keep(lease)
    return lease
  }

  /** Takes over a lease from another replica, unless the name is held by another publisher or was renewed by a later leader. */
  adopt({ remainingMs, ...lease }: ReplicatedLease): void {
    if (this.isHeldByOther(lease.realmName, lease)) return
    const known = this.get(lease.realmName, lease.document.publisher)
    if (known && isLater(known, lease)) return
    if (!this.#hasRoom(lease.realmName, lease.account, lease.document)) return
    const [now, endsAt] = [this.#clock.now(), this.#clock.monotonic() + remainingMs]
    // Renewals do not change since when a name is held, whatever another replica sends.
    this.#keep({ ...lease, since: known?.since ?? Math.min(lease.since, now), endsAt })
  }

  /** A lease as another replica takes it over with `adopt`. */
  replicated({ endsAt, ...lease }: PublicationLease): ReplicatedLease {
    return { ...lease, remainingMs: this.#remainingMs(endsAt) }
  }

  /** When a lease expires unless it is renewed, in milliseconds since the epoch. */
  expiresAt({ endsAt }: PublicationLease): number {
    return this.#clock.now() + this.#remainingMs(endsAt)
  }

  /** Ends the lease of a name that another replica ended; one that was taken or renewed since then stays. */
  dropEnded(realmName: string, ended: EndedLease): void {
    const known = this.get(realmName, ended.publisher)
    if (known?.account === ended.account && !isLater(known, ended)) this.drop(realmName, ended.publisher)
  }

  /**
   * Whether a Realm may not have a name because of another one: all of them must say that they share it. Realms of one publisher do not,
   * because the tenants of a cluster are strangers.
   */
  isHeldByOther(realmName: string, claim: Pick<PublicationLease, 'account' | 'document'>): boolean {
    return this.of(realmName).some((lease) => {
      if (isSameHolder(lease, claim)) return false
      const bothShare = lease.document.shared === true && claim.document.shared === true
      return !bothShare || lease.account === claim.account || lease.document.publisher === claim.document.publisher
    })
  }

  drop(realmName: string, publisher: string): void {
    const ofName = this.#entries.get(realmName)
    const known = ofName?.get(publisher)
    if (!ofName || !known) return
    known.cancelExpiry()
    ofName.delete(publisher)
    if (ofName.size === 0) this.#entries.delete(realmName)
    this.#count(known.lease.account, -1, -known.bytes)
    this.#listeners.notify()
  }

  realms(): readonly PublishedRealm[] {
    return this.#all().map(({ published }) => published)
  }

  facts(): readonly RealmFacts[] {
    return this.#all().map(({ published }) => factsOfRemote(published))
  }

  ready(): boolean {
    return true
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  async stop(): Promise<void> {
    for (const { cancelExpiry } of this.#all()) cancelExpiry()
    this.#entries.clear()
    this.#usage.clear()
    this.#listeners.clear()
  }

  #all(): Entry[] {
    return Array.from(this.#entries.values(), (ofName) => [...ofName.values()]).flat()
  }

  #keep(lease: PublicationLease): void {
    const { realmName, account, document } = lease
    this.#lastRenewedAt = Math.max(this.#lastRenewedAt, lease.renewedAt)
    const ofName = this.#entries.get(realmName) ?? new Map<string, Entry>()
    const known = ofName.get(document.publisher)
    known?.cancelExpiry()
    // An unchanged realm stays the same object, so that answers made from it stay valid.
    const isSame = known !== undefined && known.lease.since === lease.since && isSameRealm(known.lease.document, document)
    const published = isSame ? known.published : publishedRemoteRealm(lease, new Date(lease.since).toISOString())
    const cancelExpiry = this.#clock.after(this.#remainingMs(lease.endsAt), () => {
      this.#log.warn({ realm: realmName, publisher: keyText(document.realm) }, 'a publication was not renewed and has expired')
      this.drop(realmName, document.publisher)
    })
    const bytes = bytesOf(document)
    this.#count(account, known ? 0 : 1, bytes - (known?.bytes ?? 0))
    ofName.set(document.publisher, { lease, bytes, published, cancelExpiry })
    this.#entries.set(realmName, ofName)
    if (!isSame) this.#listeners.notify()
  }

  #remainingMs(endsAt: number): number {
    return Math.max(0, endsAt - this.#clock.monotonic())
  }

  #hasRoom(realmName: string, account: string, document: PublicationDocument): boolean {
    const known = this.#entries.get(realmName)?.get(document.publisher)
    const { leases, bytes } = this.#usage.get(account) ?? { leases: 0, bytes: 0 }
    return (
      leases + (known ? 0 : 1) <= MAX_LEASES / this.#accounts &&
      bytes + bytesOf(document) - (known?.bytes ?? 0) <= MAX_BYTES / this.#accounts
    )
  }

  #count(account: string, leases: number, bytes: number): void {
    const usage = this.#usage.get(account) ?? { leases: 0, bytes: 0 }
    this.#usage.set(account, { leases: usage.leases + leases, bytes: usage.bytes + bytes })
  }

  #nextEtag(): string {
    const digest = createHash('sha256')
      .update(`${this.#replicaId} ${++this.#renewals}`)
      .digest('base64url')
    return `"${digest.slice(0, 16)}"`
  }
}

const bytesOf = (document: PublicationDocument): number => JSON.stringify(document).length

/** Whether both were taken by one Realm of one publisher: the publisher writes the uid itself, so that alone proves nothing. */
export const isSameHolder = (
  a: Pick<PublicationLease, 'account' | 'document'>,
  b: Pick<PublicationLease, 'account' | 'document'>,
): boolean => a.account === b.account && a.document.publisher === b.document.publisher

type Renewal = Pick<PublicationLease, 'epoch' | 'renewedAt'>

const isLater = (a: Renewal, b: Renewal): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.renewedAt > b.renewedAt)

const isSameRealm = ({ ttlSeconds: _, ...a }: PublicationDocument, { ttlSeconds: __, ...b }: PublicationDocument): boolean =>
  isDeepStrictEqual(a, b)
