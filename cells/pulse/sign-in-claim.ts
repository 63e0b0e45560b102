import type { AuthChain, AuthLink, AuthLinkType } from '@dcl/schemas'
import { AUTH_LINK } from '../identity/auth-link-types.ts'

/** What a client signed to sign in: the text `connect:/:{timestamp}:{metadata}`, which names neither a host nor a realm. */
export interface SignInClaim {
  chain: AuthChain
  /** The signed text. */
  payload: string
  timestampMs: number
}

/** How much the clock of a player may differ from ours, in both directions: clients sign when they send. */
export const SIGN_IN_WINDOW_MS = 60_000

/** More links than any client sends; the verifier has a limit of its own. */
const MAX_LINKS = 10
const MAX_METADATA = 1_024
const TIMESTAMP = /^\d{1,16}$/

/**
 * Reads the JSON object that carries the headers of a signed fetch: `x-identity-auth-chain-0` and so on, each the JSON of one link,
 * `x-identity-timestamp` and `x-identity-metadata`. Returns a sentence for the client when it is none.
 */
export function readSignIn(json: string, nowMs: number): SignInClaim | string {
  const headers = objectIn(json)
  if (!headers) return 'Invalid auth chain JSON'
  const { 'x-identity-timestamp': timestamp, 'x-identity-metadata': metadata = '' } = headers
  if (typeof timestamp !== 'string' || !TIMESTAMP.test(timestamp)) return 'the timestamp is not a number of milliseconds'
  if (typeof metadata !== 'string' || metadata.length > MAX_METADATA) return 'the metadata is not a short text'
  const timestampMs = Number(timestamp)
  if (Math.abs(nowMs - timestampMs) > SIGN_IN_WINDOW_MS) return 'the timestamp differs by more than a minute from the time here'
  const payload = `connect:/:${timestamp}:${metadata}`
  const chain = chainIn(headers)
  if (!chain) return 'the auth chain is incomplete'
  if (chain.at(-1)?.payload !== payload) return 'the auth chain signs another text'
  return { chain, payload, timestampMs }
}

function chainIn(headers: Readonly<Record<string, unknown>>): AuthChain | undefined {
  const chain: AuthLink[] = []
  for (let i = 0; i < MAX_LINKS; i++) {
    const text = headers[`x-identity-auth-chain-${i}`]
    if (text === undefined) return chain.length >= 2 ? chain : undefined
    const { type, payload, signature = '' } = (typeof text === 'string' && objectIn(text)) || {}
    if (!isLinkType(type) || typeof payload !== 'string' || typeof signature !== 'string') return undefined
    chain.push({ type, payload, signature })
  }
  return undefined
}

const isLinkType = (type: unknown): type is AuthLinkType => Object.values<unknown>(AUTH_LINK).includes(type)

function objectIn(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
