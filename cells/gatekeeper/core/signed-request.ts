import type { AuthChain } from '@dcl/schemas'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import { ambiguousKey, withExactKeys } from './ambiguous-key.ts'

/** Case of the signed text: `current` leaves the metadata unchanged, `legacy` is all lower case (gatekeeper.md §2.2). */
export type SignedFormat = 'current' | 'legacy'

/** The content of a signed request whose signature has not been checked yet. */
export interface SignedClaim {
  /** The wallet that the chain claims to be signed by. */
  wallet: PeerId
  chain: AuthChain
  /** The signed text; the last link of the chain was already compared with it, byte by byte. */
  payload: string
  format: SignedFormat
  /** Nothing that the signature does not cover: with a legacy one, all values are in lower case. */
  metadata: Metadata
  /** As the client wrote it: with a legacy signature, nothing vouches for the case of the values. For `spelledAs` only. */
  spelled: Metadata
}
export type Metadata = Readonly<Record<string, unknown>>

/** Why a request is not a valid signed one: status and message of gatekeeper.md §2.3, and `cause` as the label in the metrics. */
export interface Rejection {
  status: 400 | 401
  cause: 'chain' | 'timestamp' | 'expired' | 'future' | 'metadata' | 'policy' | 'key_case' | 'signature'
  message: string
}

/** A request, and the rule of its route. */
export interface RequestToRead {
  method: string
  /** As the client wrote it, without the query: this is what was signed. */
  path: string
  /** The path that clients sign where a proxy in front of this process removes a part of it. */
  publicPath?: string | undefined
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  nowMs: number
  /** The rule of the route about metadata: returns why it is not acceptable, or undefined. */
  objection?: (metadata: Metadata) => string | undefined
}

/**
 * How much the clock of a player may differ from ours, in both directions. Within it a request may come again: the Unity explorer
 * sends one whose answer was lost a second and a third time with the same time and signature, and takes a refusal for a ban.
 */
const REPLAY_WINDOW_MS = 60_000

/** No client sends more: the wallet, its delegation, the signed text. */
const MAX_LINKS = 3
const MIN_LINKS = 2
const MAX_LINK_CHARACTERS = 12_288
const MAX_METADATA_CHARACTERS = 4_096
const MAX_QUOTED_CHARACTERS = 64
const TIMESTAMP = /^\d{1,16}$/

/**
 * Reads the headers of a signed fetch (ADR-44) in the order of gatekeeper.md §2.3, cheapest checks first. The last link has to
 * contain the signed text and shows which of the two formats it has, so that at most one expensive signature check follows, and
 * none for a request whose chain signs something else.
 */
export function readSignedRequest(request: RequestToRead): { claim: SignedClaim } | { rejection: Rejection } {
  const { method, path, publicPath, headers, nowMs, objection } = request
  const links = readLinks(headers)
  if ('rejection' in links) return links
  const { chain } = links
  const timestampText = headerOf(headers, 'x-identity-timestamp') ?? '0'
  if (!TIMESTAMP.test(timestampText)) return reject(400, 'timestamp', `Invalid chain timestamp: ${truncated(timestampText)}`)
  const timestamp = Number(timestampText)
  if (timestamp + REPLAY_WINDOW_MS < nowMs) return reject(401, 'expired', `Expired signature: made at ${timestamp}, now ${nowMs}`)
  if (timestamp > nowMs + REPLAY_WINDOW_MS)
    return reject(401, 'future', `Signature timestamp is too far in the future: ${timestamp}, now ${nowMs}`)

  const metadataText = headerOf(headers, 'x-identity-metadata') ?? '{}'
  const given = readMetadata(metadataText)
  if (!given) return reject(400, 'metadata', `Invalid chain metadata: "${truncated(metadataText)}"`)
  const prefixOf = (signedPath: string) => `${method}:${signedPath}:${timestampText}:`.toLowerCase()
  const signed = chain.at(-1)?.payload
  const isPublic = publicPath !== undefined && signed?.startsWith(prefixOf(publicPath))
  const current = prefixOf(isPublic ? publicPath : path) + metadataText
  const legacy = current.toLowerCase()
  // A third party can change the case of what a legacy signature covers, so only the signed text itself is read.
  const metadata = signed === current ? given : signedInLowerCase(metadataText)
  if (!metadata) return reject(400, 'metadata', `Invalid chain metadata: "${truncated(metadataText)}"`)
  const reason = objection?.(metadata)
  if (reason !== undefined) return reject(400, 'policy', `Invalid metadata content: ${reason}`)
  if (signed !== current && signed !== legacy)
    return reject(401, 'signature', 'Invalid signature: the chain signs another request')
  const wallet = parsePeerId(chain[0]?.payload)
  if (!wallet) return reject(401, 'signature', 'Invalid signature: the chain does not start with a wallet')
  if (signed === current) return { claim: { wallet, chain, payload: current, format: 'current', metadata, spelled: given } }
  // The legacy signature does not cover the case of keys: {"SceneId":…} has the same one as {"sceneId":…}.
  const ambiguous = ambiguousKey(given)
  if (ambiguous !== undefined)
    return reject(400, 'key_case', `Invalid metadata content: the key "${truncated(ambiguous)}" is not spelled as it is signed`)
  return { claim: { wallet, chain, payload: legacy, format: 'legacy', metadata, spelled: given } }
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

function signedInLowerCase(metadataText: string): Metadata | undefined {
  const metadata = readMetadata(metadataText.toLowerCase())
  return metadata && withExactKeys(metadata)
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

/**
 * A name in the case in which the client wrote it. Names of rooms have it, because players meet only where those are equal, and a legacy
 * signature has none: a third party that changes it could only lead the player into a room of no scene.
 */
export const spelledAs = (signed: string, spelled: unknown): string =>
  typeof spelled === 'string' && spelled.toLowerCase() === signed.toLowerCase() ? spelled : signed

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const truncated = (text: string): string =>
  text.length <= MAX_QUOTED_CHARACTERS ? text : `${text.slice(0, MAX_QUOTED_CHARACTERS)}…`

const reject = (status: Rejection['status'], cause: Rejection['cause'], message: string): { rejection: Rejection } => ({
  rejection: { status, cause, message },
})
