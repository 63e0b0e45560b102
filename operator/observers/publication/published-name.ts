import { type Backoff, backoffMs, jittered } from '../../../cells/chassis/backoff.ts'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { EPOCH_HEADER, type PublicationDocument, publicationPath, readCatalystProblems } from '../../../crds/publication.ts'
import type { RemotePublicationStatus } from '../../observed/publication-status.ts'
import type { PublicationAnswer, RemoteProvider, RequestProvider } from './publication-request.ts'
import { RoutedCells } from './routed-cells.ts'

export interface PublishedNameOptions {
  provider: RemoteProvider
  realmName: string
  /** The uid of the Realm. */
  publisher: string
  /** When the leadership term of this operator began, in milliseconds since the epoch. */
  epoch: number
  clock: Clock
  request: RequestProvider
  /** A number from 0 to 1 that spreads requests in time. */
  random: () => number
  onChange: () => void
}

/** Until the next request after one that only found out what the provider has. */
const NEXT_REQUEST_MS = 50
const RETRY: Backoff = { firstMs: 500, maxMs: 15_000 }
/** A name that another publisher holds may become free. */
const TAKEN_RETRY_MS = 10_000
/** A lease is renewed three times before it would expire. */
const RENEWALS_PER_TTL = 3
const JITTER_SHARE = 0.1

/**
 * The lease of one name at one provider: taken, renewed and given back, one request at a time. A document that changes during a
 * request is sent right after it.
 */
export class PublishedName {
  status: RemotePublicationStatus
  readonly #options: PublishedNameOptions
  #desired: PublicationDocument | undefined
  /** What the provider confirmed last, as text. */
  #confirmed: string | undefined
  #etag: string | undefined
  readonly #routed = new RoutedCells()
  /** Whether the provider may still have a publication of this realm that must be released. */
  #mayHold = false
  #expiresAt = 0
  #failures = 0
  #busy = false
  #stopped = false
  #cancel = () => {}

  constructor(options: PublishedNameOptions) {
    this.#options = options
    this.status = { url: options.provider.url, state: 'pending' }
  }

  /** Whether the provider has nothing of this realm, as far as the operator knows. */
  get isGone(): boolean {
    return !this.#mayHold && this.#desired === undefined && !this.#busy
  }

  /** What to publish from now on; undefined = the name is given back. */
  publish(document: PublicationDocument | undefined): void {
    const isNew = JSON.stringify(document) !== JSON.stringify(this.#desired)
    this.#desired = document
    if (isNew) this.#schedule(0)
  }

  /** Whether the provider may route players to a cell, as far as the operator knows. */
  mayRouteTo(cell: string): boolean {
    return this.#routed.has(cell, this.#options.clock.monotonic())
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #schedule(afterMs: number): void {
    const { clock, random } = this.#options
    this.#cancel()
    if (this.#stopped) return
    const delayMs = afterMs === 0 ? 0 : jittered(afterMs, random(), JITTER_SHARE)
    this.#cancel = clock.after(delayMs, () => void this.#settle())
  }

  async #settle(): Promise<void> {
    if (this.#busy || this.#stopped) return
    const desired = this.#desired
    if (!desired && !this.#mayHold) return
    this.#busy = true
    const waitMs = desired ? await this.#put(desired) : await this.#giveBack()
    this.#busy = false
    if (!desired && !this.#mayHold) this.#options.onChange()
    if (this.#desired !== desired && JSON.stringify(this.#desired) !== JSON.stringify(desired)) this.#schedule(0)
    else if (waitMs !== undefined) this.#schedule(waitMs)
  }

  async #put(document: PublicationDocument): Promise<number> {
    const { clock } = this.#options
    const sentAt = clock.monotonic()
    const ttlMs = document.ttlSeconds * 1_000
    this.#mayHold = true
    const cells = document.endpoints.map(({ cell }) => cell)
    // The provider may receive the request even if its answer is lost.
    this.#routed.add(cells, Number.POSITIVE_INFINITY)
    const answer = await this.#request('PUT', this.#etag ? { 'if-match': this.#etag } : { 'if-none-match': '*' }, document)
    this.#routed.add(cells, clock.monotonic() + ttlMs)
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 200 || answer.status === 201) {
      this.#etag = answer.etag
      this.#confirmed = JSON.stringify(document)
      this.#expiresAt = sentAt + ttlMs
      this.#failures = 0
      const problems = readCatalystProblems((answer.body ?? {}) as Record<string, unknown>)
      this.#become({ url: this.status.url, state: 'held', ...problems }, this.#routed.confirm(cells))
      return ttlMs / RENEWALS_PER_TTL
    }
    if (answer.status === 409) {
      this.#etag = undefined
      this.#clear()
      const { holder } = (answer.body ?? {}) as { holder?: unknown }
      this.#become({ url: this.status.url, state: 'taken', holder: typeof holder === 'string' ? holder.slice(0, 128) : '' })
      return TAKEN_RETRY_MS
    }
    if (answer.status === 412) return this.#readOrYield(answer)
    return this.#fail(`answered ${answer.status}`)
  }

  async #giveBack(): Promise<number | undefined> {
    if (this.#etag === undefined) {
      const waitMs = await this.#read()
      if (this.#etag === undefined) return this.#mayHold ? waitMs : undefined
    }
    const answer = await this.#request('DELETE', { 'if-match': this.#etag ?? '' })
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 412) return this.#readOrYield(answer)
    if (answer.status !== 204 && answer.status !== 404) return this.#fail(`answered ${answer.status}`)
    this.#etag = undefined
    this.#confirmed = undefined
    this.#clear()
    this.#failures = 0
    this.#become({ url: this.status.url, state: 'pending' })
    return undefined
  }

  /** Another leader renewed the lease, or it expired: reads it and goes on from there, unless that leader's term began later. */
  #readOrYield({ body }: { body: unknown }): Promise<number> | number {
    const { epoch } = (body ?? {}) as { epoch?: unknown }
    if (typeof epoch === 'number' && epoch > this.#options.epoch)
      return this.#fail('an operator that became leader later has published under this name')
    return this.#read()
  }

  /** Reads the ETag of the publication the provider has. */
  async #read(): Promise<number> {
    this.#etag = undefined
    const answer = await this.#request('GET', {})
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 404) {
      this.#clear()
      return NEXT_REQUEST_MS
    }
    if (answer.status !== 200) return this.#fail(`answered ${answer.status}`)
    const { publisher } = (answer.body ?? {}) as { publisher?: unknown }
    if (publisher === this.#options.publisher) {
      this.#etag = answer.etag
      this.#mayHold = true
      return NEXT_REQUEST_MS
    }
    this.#clear()
    return RETRY.firstMs
  }

  /** The provider has nothing of this realm. */
  #clear(): void {
    this.#mayHold = false
    this.#routed.confirm([])
  }

  #request(method: 'GET' | 'PUT' | 'DELETE', headers: Record<string, string>, body?: unknown): Promise<PublicationAnswer> {
    const { provider, realmName, publisher, epoch, request } = this.#options
    // Several publishers may share a name.
    const path = `${publicationPath(realmName)}${method === 'PUT' ? '' : `?publisher=${encodeURIComponent(publisher)}`}`
    return request(provider, {
      method,
      path,
      headers: { ...headers, [EPOCH_HEADER]: String(epoch) },
      ...(body !== undefined && { body }),
    })
  }

  #fail(message: string): number {
    this.#failures++
    // A lease that holds what is desired counts as held until it expires, whether the provider can be reached or not.
    const isCurrent = this.#confirmed === JSON.stringify(this.#desired) && this.#options.clock.monotonic() < this.#expiresAt
    // The first error message is kept while the failure lasts, so that the status does not flap.
    if (!isCurrent && this.status.state !== 'unreachable') this.#become({ url: this.status.url, state: 'unreachable', message })
    return backoffMs(RETRY, this.#failures)
  }

  #become(status: RemotePublicationStatus, notifyAnyway = false): void {
    const isChange = notifyAnyway || JSON.stringify(status) !== JSON.stringify(this.status)
    this.status = status
    if (isChange) this.#options.onChange()
  }
}
