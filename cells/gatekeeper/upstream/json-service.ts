import { LRUCache } from 'lru-cache'
import type { z } from 'zod'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { Clock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Log } from '../../chassis/log.ts'

/** One service of Decentraland that is asked over HTTP. */
export interface JsonServiceOptions {
  /** For messages: `the places service`. */
  name: string
  /** Base URL; undefined = this gatekeeper has none. */
  url: string | undefined
  /** Where the URL is declared, for those who look after the gatekeeper. */
  declaredBy: string
  clock: Clock
  log: Log
}

const TIMEOUT_MS = 4_000
const MAX_BYTES = 2 * 1024 * 1024
/** For so long an answer stands, also that something does not exist: a right that was taken away ends within it. */
const LIFETIME_MS = 60_000
const MAX_ANSWERS = 5_000

/**
 * Asks another service for JSON. Answers are remembered for a minute, and equal questions at the same time are one request. A
 * service that does not answer, or answers something else, is an outage and never a "no".
 */
export class JsonService {
  readonly #options: JsonServiceOptions
  readonly #answers: LRUCache<string, { body: unknown }, { path: string; post: unknown }>

  constructor(options: JsonServiceOptions) {
    this.#options = options
    this.#answers = new LRUCache({
      ...{ max: MAX_ANSWERS, ttl: LIFETIME_MS, ttlResolution: 0, perf: { now: () => 1 + options.clock.monotonic() } }, // the library takes 0 for "no time"
      ignoreFetchAbort: true,
      fetchMethod: (_key, _stale, { context }) => this.#fetch(context.path, context.post),
    })
  }

  get isConfigured(): boolean {
    return this.#options.url !== undefined
  }

  /**
   * The answer to a GET, or to a POST of `post`; undefined where the service knows no such thing (404).
   *
   * @throws Refusal UNAVAILABLE when it does not answer in time, or with another shape
   */
  async ask<Schema extends z.ZodType>(path: string, schema: Schema, post?: unknown): Promise<z.output<Schema> | undefined> {
    const key = post === undefined ? path : `${path} ${JSON.stringify(post)}`
    const answer = await this.#answers.fetch(key, { context: { path, post } })
    if (answer?.body === undefined) return undefined
    const parsed = schema.safeParse(answer.body)
    if (parsed.success) return parsed.data
    this.#answers.delete(key)
    throw this.#outage(path, `the answer has another shape: ${parsed.error.issues[0]?.message}`)
  }

  async #fetch(path: string, post: unknown): Promise<{ body: unknown }> {
    const { url, name, declaredBy } = this.#options
    if (url === undefined) throw new Refusal('UNAVAILABLE', `This gatekeeper has no URL of ${name}: ${declaredBy} gives it one`)
    const fetched = await fetchJson(`${withoutTrailingSlash(url)}/${path}`, {
      ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES },
      ...(post !== undefined && { post }),
    })
    if (fetched.ok && fetched.status === 404) return { body: undefined }
    if (fetched.ok && fetched.status >= 200 && fetched.status < 300) return { body: fetched.body }
    throw this.#outage(path, fetched.ok ? `status ${fetched.status}` : fetched.reason)
  }

  #outage(path: string, reason: string): Refusal {
    const { name, log } = this.#options
    log.warn({ service: name, path, reason }, 'another service does not answer as expected')
    return new Refusal('UNAVAILABLE', `Could not ask ${name} now`)
  }
}
