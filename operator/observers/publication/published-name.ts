import type { Clock } from '../../../cells/chassis/clock.ts'
import { EPOCH_HEADER, type PublicationDocument, publicationPath } from '../../../crds/publication.ts'
import type { RemotePublicationStatus } from '../../observed/publication.ts'
import type { PublicationAnswer, RemoteProvider, RequestProvider } from './publication-request.ts'
import { RoutedCells } from './routed-cells.ts'

/** What one name at one provider is made of. */
export interface PublishedNameOptions {
  provider: RemoteProvider
  realmName: string
  /** The uid of the Realm. */
  publisher: string
  /** Since when this operator leads, in milliseconds since the epoch. */
  epoch: number
  clock: Clock
  ask: RequestProvider
  random: () => number
  onChange: () => void
}

/** From learning that things stand otherwise to going on from there. */
const LOOK_AGAIN_MS = 50
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000
/** A name somebody else has may come free when they leave it. */
const TAKEN_RETRY_MS = 10_000
/** Renewed three times before it would end. */
const RENEWALS_PER_TTL = 3

/** One name at one provider: taken, renewed and given back, one request at a time; what changes meanwhile is sent right after. */
export class PublishedName {
  lease: RemotePublicationStatus
  readonly #given: PublishedNameOptions
  #wanted: PublicationDocument | undefined
  /** What the provider was told last, as text. */
  #told: string | undefined
  #etag: string | undefined
  readonly #led = new RoutedCells()
  /** Whether there may be something to give back. */
  #mayHold = false
  #expiresAt = 0
  #failures = 0
  #busy = false
  #stopped = false
  #cancel = () => {}

  constructor(given: PublishedNameOptions) {
    this.#given = given
    this.lease = { url: given.provider.url, state: 'pending' }
  }

  /** Whether the provider has nothing of ours, as far as we know. */
  get isGone(): boolean {
    return !this.#mayHold && this.#wanted === undefined && !this.#busy
  }

  /** What is to be published from now on; nothing = the name is given back, also one that another operator of ours took. */
  want(document: PublicationDocument | undefined, mayHold = this.#mayHold): void {
    const isNew = JSON.stringify(document) !== JSON.stringify(this.#wanted)
    const isFirst = mayHold && !this.#mayHold
    this.#wanted = document
    this.#mayHold = mayHold
    if (isNew || isFirst) this.#wake(0)
  }

  /** Whether the provider may lead players to a cell, as far as we know. */
  mayLeadTo(cell: string): boolean {
    return this.#led.has(cell, this.#given.clock.now())
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #wake(afterMs: number): void {
    this.#cancel()
    if (this.#stopped) return
    const spread = afterMs === 0 ? 0 : afterMs * (0.9 + 0.2 * this.#given.random())
    this.#cancel = this.#given.clock.after(spread, () => void this.#settle())
  }

  async #settle(): Promise<void> {
    if (this.#busy || this.#stopped) return
    const wanted = this.#wanted
    if (!wanted && !this.#mayHold) return
    this.#busy = true
    const waitMs = wanted ? await this.#put(wanted) : await this.#giveBack()
    this.#busy = false
    if (!wanted && !this.#mayHold) this.#given.onChange()
    if (this.#wanted !== wanted && JSON.stringify(this.#wanted) !== JSON.stringify(wanted)) this.#wake(0)
    else if (waitMs !== undefined) this.#wake(waitMs)
  }

  async #put(document: PublicationDocument): Promise<number> {
    const sentAt = this.#given.clock.now()
    this.#mayHold = true
    const cells = document.endpoints.map(({ cell }) => cell)
    // Whatever becomes of the request, it may have been heard.
    this.#led.may(cells, Number.POSITIVE_INFINITY)
    const answer = await this.#ask('PUT', this.#etag ? { 'if-match': this.#etag } : { 'if-none-match': '*' }, document)
    this.#led.may(cells, this.#given.clock.now() + document.ttlSeconds * 1_000)
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 200 || answer.status === 201) {
      this.#etag = answer.etag
      this.#told = JSON.stringify(document)
      this.#expiresAt = sentAt + document.ttlSeconds * 1_000
      this.#failures = 0
      this.#become({ url: this.lease.url, state: 'held' }, this.#led.only(cells))
      return (document.ttlSeconds * 1_000) / RENEWALS_PER_TTL
    }
    if (answer.status === 409) {
      this.#etag = undefined
      this.#lacks()
      const { holder } = (answer.body ?? {}) as { holder?: unknown }
      this.#become({ url: this.lease.url, state: 'taken', holder: typeof holder === 'string' ? holder.slice(0, 128) : '' })
      return TAKEN_RETRY_MS
    }
    if (answer.status === 412) return this.#lookOrYield(answer)
    return this.#fail(`answered ${answer.status}`)
  }

  async #giveBack(): Promise<number | undefined> {
    if (this.#etag === undefined) {
      const waitMs = await this.#look()
      if (this.#etag === undefined) return this.#mayHold ? waitMs : undefined
    }
    const answer = await this.#ask('DELETE', { 'if-match': this.#etag ?? '' })
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 412) return this.#lookOrYield(answer)
    if (answer.status !== 204 && answer.status !== 404) return this.#fail(`answered ${answer.status}`)
    this.#etag = undefined
    this.#told = undefined
    this.#lacks()
    this.#failures = 0
    this.#become({ url: this.lease.url, state: 'pending' })
    return undefined
  }

  /** Another one of ours renewed it, or it ended and is free again: look, and go on from there; unless that other one led later. */
  #lookOrYield({ body }: { body: unknown }): Promise<number> | number {
    const { epoch } = (body ?? {}) as { epoch?: unknown }
    if (typeof epoch === 'number' && epoch > this.#given.epoch)
      return this.#fail('an operator that led later spoke for this name')
    return this.#look()
  }

  /** Learns the ETag of what stands there. */
  async #look(): Promise<number> {
    this.#etag = undefined
    const answer = await this.#ask('GET', {})
    if ('failed' in answer) return this.#fail(answer.failed)
    if (answer.status === 404) {
      this.#lacks()
      return LOOK_AGAIN_MS
    }
    if (answer.status !== 200) return this.#fail(`answered ${answer.status}`)
    const { publisher } = (answer.body ?? {}) as { publisher?: unknown }
    if (publisher === this.#given.publisher) {
      this.#etag = answer.etag
      this.#mayHold = true
      return LOOK_AGAIN_MS
    }
    this.#lacks()
    return FIRST_RETRY_MS
  }

  /** The provider has nothing of ours. */
  #lacks(): void {
    this.#mayHold = false
    this.#led.only([])
  }

  #ask(method: 'GET' | 'PUT' | 'DELETE', headers: Record<string, string>, body?: unknown): Promise<PublicationAnswer> {
    const path = publicationPath(this.#given.realmName)
    const epoch = { [EPOCH_HEADER]: String(this.#given.epoch) }
    return this.#given.ask(this.#given.provider, {
      method,
      path,
      headers: { ...headers, ...epoch },
      ...(body !== undefined && { body }),
    })
  }

  #fail(message: string): number {
    this.#failures++
    // What stands there stands until it ends, whatever we can reach, unless it says something that is no longer so.
    const stands = this.#told === JSON.stringify(this.#wanted) && this.#given.clock.now() < this.#expiresAt
    // The first reason stands for as long as it lasts: reasons that take turns would be news without being new.
    if (!stands && this.lease.state !== 'unreachable') this.#become({ url: this.lease.url, state: 'unreachable', message })
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LAST_RETRY_MS)
  }

  #become(lease: RemotePublicationStatus, isNewAnyway = false): void {
    const isNews = isNewAnyway || JSON.stringify(lease) !== JSON.stringify(this.lease)
    this.lease = lease
    if (isNews) this.#given.onChange()
  }
}
