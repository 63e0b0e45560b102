import type { AuthChain } from '@dcl/schemas'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import { ambiguousKey } from './ambiguous-key.ts'

/** How the signed text is cased: `current` leaves the metadata as it is, `legacy` lower-cases everything (gatekeeper.md §2.2). */
export type SignedFormat = 'current' | 'legacy'

/** What a signed request says, before anybody checked that its signature holds. */
export interface SignedClaim {
  /** Whom the chain claims to speak for. */
  wallet: PeerId
  chain: AuthChain
  /** The text the chain has to end in: already compared, byte for byte. */
  payload: string
  format: SignedFormat
  metadata: Metadata
}
export type Metadata = Readonly<Record<string, unknown>>

/** Why a request is not a signed one: the status and sentence of gatekeeper.md §2.3, and a word for the metrics. */
export interface Rejection {
  status: 400 | 401
  cause: 'chain' | 'timestamp' | 'expired' | 'future' | 'metadata' | 'policy' | 'key_case' | 'signature'
  message: string
}

/** What a signed request is read from. */
export interface RequestToRead {
  method: string
  /** As the client wrote it, without query: that is what was signed. */
  path: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  nowMs: number
  /** The route's own rule about metadata: a sentence when it is not acceptable. */
  objection?: (metadata: Metadata) => string | undefined
}

/** How far the clocks of a player and ours may be apart, either way, in milliseconds. */
export const REPLAY_WINDOW_MS = 60_000

const MAX_LINKS = 10
const MIN_LINKS = 2
const MAX_LINK_CHARACTERS = 12_288
const MAX_METADATA_CHARACTERS = 4_096
const MAX_ECHO_CHARACTERS = 64
const TIMESTAMP = /^\d{1,16}$/

/**
 * Reads the headers of a signed fetch (ADR-44) in the order of gatekeeper.md §2.3, cheapest first. Which of the two formats was
 * signed is told by the last link, which has to carry the signed text; so at most one costly check of signatures follows,
 * and a request that signs something else costs none.
 */
export function readSignedRequest(request: RequestToRead): { claim: SignedClaim } | { rejection: Rejection } {
  const { method, path, headers, nowMs, objection } = request
  const links = readLinks(headers)
  if ('rejection' in links) return links
  const { chain } = links
  const timestampText = headerOf(headers, 'x-identity-timestamp') ?? '0'
  if (!TIMESTAMP.test(timestampText)) return reject(400, 'timestamp', `Invalid chain timestamp: ${echo(timestampText)}`)
  const timestamp = Number(timestampText)
  if (timestamp + REPLAY_WINDOW_MS < nowMs) return reject(401, 'expired', `Expired signature: made at ${timestamp}, now ${nowMs}`)
  if (timestamp > nowMs + REPLAY_WINDOW_MS)
    return reject(401, 'future', `Signature timestamp is too far in the future: ${timestamp}, now ${nowMs}`)

  const metadataText = headerOf(headers, 'x-identity-metadata') ?? '{}'
  const metadata = readMetadata(metadataText)
  if (!metadata) return reject(400, 'metadata', `Invalid chain metadata: "${echo(metadataText)}"`)
  const objected = objection?.(metadata)
  if (objected !== undefined) return reject(400, 'policy', `Invalid metadata content: ${objected}`)

  const place = `${method}:${path}:${timestampText}:`.toLowerCase()
  const current = place + metadataText
  const legacy = current.toLowerCase()
  const signed = chain.at(-1)?.payload
  if (signed !== current && signed !== legacy)
    return reject(401, 'signature', 'Invalid signature: the chain signs another request')
  const wallet = parsePeerId(chain[0]?.payload)
  if (!wallet) return reject(401, 'signature', 'Invalid signature: the chain does not start with a wallet')
  if (signed === current) return { claim: { wallet, chain, payload: current, format: 'current', metadata } }
  // In legacy form the casing of keys is outside the signature: {"SceneId":…} shares it with {"sceneId":…}.
  const ambiguous = ambiguousKey(metadata)
  if (ambiguous !== undefined)
    return reject(400, 'key_case', `Invalid metadata content: the key "${echo(ambiguous)}" is not spelled as it is signed`)
  return { claim: { wallet, chain, payload: legacy, format: 'legacy', metadata } }
}

function readLinks(headers: RequestToRead['headers']): { chain: AuthChain } | { rejection: Rejection } {
  const chain: AuthChain = []
  for (let i = 0; i <= MAX_LINKS; i++) {
    const text = headerOf(headers, `x-identity-auth-chain-${i}`)
    if (text === undefined) break
    const link = text.length <= MAX_LINK_CHARACTERS ? parseJson(text) : undefined
    if (!isLink(link)) return reject(400, 'chain', `Invalid chain format: link ${i} is not a link`)
    chain.push(link)
  }
  if (chain.length > MAX_LINKS) return reject(400, 'chain', `Auth chain exceeds maximum length of ${MAX_LINKS}`)
  if (chain.length < MIN_LINKS) return reject(400, 'chain', 'Invalid Auth Chain')
  return { chain }
}

const isLink = (link: unknown): link is AuthChain[number] =>
  isObject(link) && [link.type, link.payload, link.signature].every((field) => typeof field === 'string')

function readMetadata(text: string): Metadata | undefined {
  if (text.length > MAX_METADATA_CHARACTERS) return undefined
  const parsed = parseJson(text)
  if (parsed === null) return {}
  return isObject(parsed) && !Array.isArray(parsed) ? parsed : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function headerOf(headers: RequestToRead['headers'], name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const echo = (text: string): string => (text.length <= MAX_ECHO_CHARACTERS ? text : `${text.slice(0, MAX_ECHO_CHARACTERS)}…`)

const reject = (status: Rejection['status'], cause: Rejection['cause'], message: string): { rejection: Rejection } => ({
  rejection: { status, cause, message },
})
