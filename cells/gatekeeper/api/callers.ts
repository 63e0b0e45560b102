import { createHash, timingSafeEqual } from 'node:crypto'
import { type HttpRequest, json } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { PeerId } from '../../wire/peer.ts'
import { SCENE_CODE_SIGNER, signerOf } from '../core/scene-access.ts'
import type { Metadata, Rejection, SignedClaim } from '../core/signed-request.ts'
import type { Authentication, Callers } from './declaration.ts'
import type { SignedRequests } from './signed-requests.ts'

/** Who the callers of protected routes are. */
export interface CallerOptions {
  signed: SignedRequests
  /** Wallets that may moderate the platform. */
  moderators: ReadonlySet<PeerId>
  /** Bearer token of moderators' tools; without one, only wallets moderate. */
  moderatorToken: string | undefined
  /** Bearer token of other services; without one, no service may call. */
  serviceToken: string | undefined
}

/** The caller of a request, or the answer to one who may not call, with the wallet that has signed the request, if one has. */
export type CallerVerdict<Who extends Authentication = Authentication> =
  | { caller: Callers[Who] }
  | { answer: HttpResponse; wallet?: PeerId }

const EXPLORER = 'dcl:explorer'
const AUTHORITATIVE_SERVER = 'dcl:authoritative-server'
const MODERATOR_NAME = /^[A-Za-z0-9 _.-]{1,100}$/

/** The signers that each kind of signed fetch takes; of the others any, or none. */
const signers: Readonly<Partial<Record<Authentication, readonly string[]>>> = {
  signedByExplorer: [EXPLORER],
  signedByScene: [SCENE_CODE_SIGNER],
  signedBySceneOrServer: [SCENE_CODE_SIGNER, AUTHORITATIVE_SERVER],
}

/** Finds out who calls, by each of the ways of gatekeeper.md §2.4 and §2.6. */
export class CallerCheck {
  readonly #options: CallerOptions

  constructor(options: CallerOptions) {
    this.#options = options
  }

  /** @throws Refusal UNAVAILABLE when a signature cannot be checked now */
  async callerOf(who: Authentication, request: HttpRequest, ownPath: string): Promise<CallerVerdict> {
    if (who === 'none') return { caller: undefined }
    if (who === 'service') return this.#service(request)
    if (who === 'moderator') return this.#moderator(request, ownPath)
    if (who === 'optional') return this.#optional(request, ownPath)
    const verdict = await this.#options.signed.check(request, ownPath, (metadata) => objectionOf(who, metadata))
    if ('waitMs' in verdict) return { answer: tooManyRequests(verdict.waitMs) }
    if ('rejection' in verdict) return { answer: unsigned(who, verdict.rejection) }
    return { caller: signedCaller(verdict.claim) }
  }

  #service({ headers }: HttpRequest): CallerVerdict {
    if (headers.authorization === undefined) return { answer: json(401, { error: 'Authorization header is missing' }) }
    if (hasToken(headers.authorization, this.#options.serviceToken)) return { caller: undefined }
    return { answer: json(401, { error: 'Invalid authorization header' }) }
  }

  async #moderator(request: HttpRequest, ownPath: string): Promise<CallerVerdict> {
    const { signed, moderators, moderatorToken } = this.#options
    const { headers, method, query } = request
    if (hasToken(headers.authorization, moderatorToken)) {
      const name = query.get('moderator')?.trim()
      if (name !== undefined && MODERATOR_NAME.test(name)) return { caller: { name: name.toLowerCase() } }
      if (name)
        return { answer: json(400, { error: 'Invalid moderator query parameter. It has 1 to 100 characters A-Z a-z 0-9 _ . -' }) }
      if (method === 'GET' || method === 'HEAD') return { caller: { name: 'token' } }
      return { answer: json(400, { error: 'Missing moderator query parameter' }) }
    }
    const verdict = await signed.check(request, ownPath, objectionToScenes)
    if ('waitMs' in verdict) return { answer: tooManyRequests(verdict.waitMs) }
    if ('claim' in verdict && moderators.has(verdict.claim.wallet)) return { caller: { name: verdict.claim.wallet } }
    return {
      answer: json(401, { error: 'You are not authorized to access this resource' }),
      ...('claim' in verdict && { wallet: verdict.claim.wallet }),
    }
  }

  async #optional(request: HttpRequest, ownPath: string): Promise<CallerVerdict> {
    if (request.headers['x-identity-auth-chain-0'] === undefined) return { caller: undefined }
    const verdict = await this.#options.signed.check(request, ownPath, objectionToScenes)
    if ('waitMs' in verdict) return { answer: tooManyRequests(verdict.waitMs) }
    return { caller: 'claim' in verdict ? signedCaller(verdict.claim) : undefined }
  }
}

const signedCaller = ({ wallet, metadata, spelled, format }: SignedClaim) => ({ wallet, metadata, spelled, format })

function objectionOf(who: Authentication, metadata: Metadata): string | undefined {
  const accepted = signers[who]
  if (accepted === undefined || accepted.includes(signerOf(metadata))) return undefined
  return `the signer has to be ${accepted.join(' or ')}`
}

const objectionToScenes = (metadata: Metadata): string | undefined =>
  signerOf(metadata) === SCENE_CODE_SIGNER ? 'scene code may not call this' : undefined

// `signed` gives the same answer whatever the cause; the others say what is wrong, as upstream's middleware does.
const unsigned = (who: Authentication, { status, message }: Rejection): HttpResponse =>
  who === 'signed' ? json(401, { error: 'Access denied, invalid signed-fetch request' }) : json(status, { ok: false, message })

/** 429 with the time to wait. */
export const tooManyRequests = (waitMs: number): HttpResponse =>
  json(429, { error: 'Too many requests from this wallet' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) })

/** Whether a header carries the token; takes the same time wherever the two differ. */
function hasToken(authorization: string | undefined, token: string | undefined): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  if (!token || given === undefined) return false
  return timingSafeEqual(digestOf(given), digestOf(token))
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
