import type { Socket } from 'node:net'
import type { TrustedProxies } from '../../chassis/client-address.ts'
import type { Clock } from '../../chassis/clock.ts'
import { withDeadline } from '../../chassis/deadline.ts'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import type { HttpRequest } from '../../chassis/http.ts'
import type { Log } from '../../chassis/log.ts'
import type { ChainVerifier } from '../../identity/verifier.ts'
import { type Metadata, type Rejection, readSignedRequest, type SignedClaim } from '../core/signed-request.ts'
import type { WalletLimit } from '../core/wallet-limit.ts'
import type { GatekeeperMetrics } from '../metrics.ts'

/** What checking a signed request needs. */
export interface SignedRequestsOptions {
  verifier: ChainVerifier
  proxies: TrustedProxies
  limit: WalletLimit
  /** The path of this gatekeeper as clients see it, where a proxy in front of this process removes a part of it. */
  publicPath: string | undefined
  clock: Clock
  log: Log
  metrics: Pick<GatekeeperMetrics, 'signed' | 'unsigned'>
}

/** Who signed a request, or why it counts for unsigned, or how long its wallet has to wait. */
export type SignedVerdict = { claim: SignedClaim } | { rejection: Rejection } | { waitMs: number }

const SIGNATURE_TIMEOUT_MS = 10_000

/** Checks signed fetches, and limits the requests of each wallet over all routes. */
export class SignedRequests {
  readonly #options: SignedRequestsOptions

  constructor(options: SignedRequestsOptions) {
    this.#options = options
  }

  /**
   * @param ownPath the path of the route alone, as the client wrote it
   * @param objection why the route does not take this metadata
   * @throws Refusal UNAVAILABLE when the signature cannot be checked now. Upstream answers 401 whatever the cause, but explorers
   * take 401 for "forbidden here", so an overload must not look like it.
   */
  async check(
    { method, path, headers, remoteAddress }: Pick<HttpRequest, 'method' | 'path' | 'headers' | 'remoteAddress'>,
    ownPath: string,
    objection?: (metadata: Metadata) => string | undefined,
  ): Promise<SignedVerdict> {
    const { clock, limit, metrics, publicPath: base } = this.#options
    const nowMs = clock.now()
    const publicPath = base && base + ownPath
    const read = readSignedRequest({ method, path, publicPath, headers, nowMs, ...(objection && { objection }) })
    if ('rejection' in read) return this.#rejected(read.rejection)
    const { wallet, format } = read.claim
    const waitMs = limit.waitMs(wallet, clock.monotonic())
    if (waitMs > 0) return { waitMs }
    const rejection = await this.#checkSignature(read.claim, { headers, remoteAddress }, nowMs)
    if (rejection) return this.#rejected(rejection)
    metrics.signed.inc({ format })
    limit.count(wallet, clock.monotonic())
    return read
  }

  #rejected(rejection: Rejection): { rejection: Rejection } {
    const { log, metrics } = this.#options
    metrics.unsigned.inc({ cause: rejection.cause })
    log.debug({ reason: rejection.message }, 'a request was not signed')
    return { rejection }
  }

  /** Whether the wallet that a request claims has signed it, the last step of gatekeeper.md §2.3; undefined when it has. */
  async #checkSignature(
    { chain, payload }: SignedClaim,
    { headers, remoteAddress }: Pick<HttpRequest, 'headers' | 'remoteAddress'>,
    nowMs: number,
  ): Promise<Rejection | undefined> {
    const { verifier, clock, proxies } = this.#options
    const client = proxies.clientOf({ headers, socket: { remoteAddress } as Socket })
    const deadline = { clock, ms: SIGNATURE_TIMEOUT_MS, what: 'checking a signature' }
    const verdict = await withDeadline(verifier.verify({ chain, payload, nowMs }, client), deadline).catch(
      (error: unknown) => ({ ok: false, undecided: true, reason: messageOf(error) }) as const,
    )
    if (verdict.ok) return undefined
    if (verdict.undecided) throw new Refusal('UNAVAILABLE', `The signature could not be checked: ${verdict.reason}`)
    return { status: 401, cause: 'signature', message: `Invalid signature: ${verdict.reason}` }
  }
}
